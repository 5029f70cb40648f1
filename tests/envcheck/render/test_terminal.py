from __future__ import annotations

import io
from dataclasses import replace

import pytest

from envcheck.core import Decision, Finding, Judged, Report
from envcheck.gate import decide
from envcheck.policy import Policy
from envcheck.render import RENDERERS, render_for
from envcheck.render.terminal import Style, render
from tests.envcheck.render.reports import TODAY, closed, opened, part

SCREEN = Style(width=80, symbols=True)


def test_an_open_report_for_a_log_is_words() -> None:
    assert render(*opened()) == (
        "suite walk  tier standard\n"
        "\n"
        "  ok  python_version  Python 3.11.9, as expected" + " " * 46 + "0.04 s\n"
        "\n"
        "  Not checked\n"
        "    the weather\n"
        "\n"
        "  observed in 0.04 s\n"
        "\n"
        "  OPEN  1 passed\n"
    )


def test_a_closed_report_for_a_screen_is_marks_and_ends_with_the_verdict_and_what_to_do() -> None:
    lines = render(*closed(), title="bgb preflight", style=SCREEN).splitlines()
    assert lines[0] == "bgb preflight  suite walk · tier standard"
    assert [line[2] for line in lines if line[2:3] in set("✓✗?!~")] == list("✓✗?!~?")
    verdict = lines.index("  CLOSED  1 failed · 1 unknown · 1 did not run · 1 with a warning · 1 waived · 1 passed")
    assert lines[verdict + 1 :] == [
        "    torch_build: torch is built for the CPU",
        "    driver: could not check: cuda_driver: killed by SIGSEGV",
        "    kernels: runs from tier deep, and is required",
        "  next  pip install -r constraints.txt",
    ]


def test_details_stand_below_what_did_not_pass() -> None:
    lines = render(*closed(), style=SCREEN).splitlines()
    start = next(number for number, line in enumerate(lines) if "torch_build" in line)
    assert lines[start + 1 : start + 3] == [
        "     torch/version.py  found 2.8.0+cpu, expected 2.2.2+cu121",
        "     fix  pip install -r constraints.txt",
    ]


def test_much_evidence_is_shown_in_part() -> None:
    text = render(*closed(), style=SCREEN)
    assert "package7" in text
    assert "package8" not in text
    assert "and 3 more; --json shows all" in text


def test_the_slowest_three_are_named() -> None:
    text = render(*closed(), style=Style(width=120))
    assert "observed in 20.0 s, slowest: driver 20.0 s, torch_build 2.30 s, unlisted 0.60 s" in text


def test_a_part_shows_the_part_and_how_to_see_the_whole() -> None:
    text = render(*part())
    assert "torch_build  required" not in text
    assert text.endswith("  next  run again without --only and --skip\n")


def only_absent() -> tuple[Report, Decision]:
    report, _ = opened()
    return report, decide(report, Policy(name="p", required=("kernels",)), today=TODAY)


def nothing_required() -> tuple[Report, Decision]:
    report, _ = opened()
    return report, decide(report, Policy(name="p", required=()), today=TODAY)


def no_remedy() -> tuple[Report, Decision]:
    report = replace(opened()[0], results=(Judged(check="kernels", finding=Finding.unknown("?", remedy="")),))
    return report, decide(report, Policy(name="p", required=("kernels",)), today=TODAY)


def test_a_closed_gate_always_says_what_to_do_next() -> None:
    assert render(*only_absent()).endswith("  next  run again at a deeper --tier\n")
    assert "name the checks that must pass under [require]" in render(*nothing_required())
    assert "\n  next  " in render(*no_remedy())


def test_a_warning_that_is_no_check_of_its_own_is_listed() -> None:
    report, decision = opened()
    text = render(report, replace(decision, warnings=("python_version: passed, so its waiver by ana can go",)))
    assert "  Warnings\n    python_version: passed, so its waiver by ana can go\n" in text


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_long_sentence_wraps_under_itself_and_a_command_never_breaks(width: int) -> None:
    command = "python -m pip install " + " ".join(f"package{number}" for number in range(30))
    finding = Finding.failed("a sentence " * 20, remedy=command)
    report = replace(opened()[0], results=(Judged(check="a_check", finding=finding),))
    lines = render(
        report, decide(report, Policy(name="p", required=("a_check",)), today=TODAY), style=Style(width=width)
    ).splitlines()
    assert sum(command in line for line in lines) == 2
    assert all(len(line) <= width for line in lines if command not in line)


def test_markup_in_a_sentence_is_text() -> None:
    report = replace(opened()[0], results=(Judged(check="a", finding=Finding.passed("[bold]x[/bold] :smile:")),))
    decision = decide(report, Policy(name="p", required=("a",)), today=TODAY)
    assert "[bold]x[/bold] :smile:" in render(report, decision)


def test_a_report_without_checks_is_closed() -> None:
    report = replace(opened()[0], results=())
    assert "CLOSED  1 did not run" in render(report, decide(report, Policy(name="p", required=("a",)), today=TODAY))


def test_colour_changes_nothing_but_colour() -> None:
    import re

    colored = render(*closed(), style=Style(width=80, color=True, symbols=True))
    assert "\x1b[1;31m" in colored
    plain = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in plain.splitlines()] == render(*closed(), style=SCREEN).splitlines()


class Terminal(io.StringIO):
    """A stream that claims to be a screen."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_screen_gets_colour_and_symbols_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "90")
    assert Style.of(Terminal()) == Style(width=90, color=True, symbols=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert Style.of(Terminal()) == Style(width=90, color=False, symbols=False)


def test_a_pipe_gets_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert Style.of(io.StringIO()) == Style()
    assert render_for(io.StringIO(), "terminal", *closed(), title="t") == render(*closed(), title="t")


def test_a_format_for_machines_is_the_same_on_every_stream() -> None:
    assert render_for(Terminal(), "json", *closed(), title="t") == RENDERERS["json"](*closed(), title="t")
