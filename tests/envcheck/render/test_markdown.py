from __future__ import annotations

from dataclasses import replace

from envcheck.core import Evidence, Finding, Judged
from envcheck.gate import decide
from envcheck.policy import Policy
from envcheck.render.markdown import render
from tests.envcheck.render.reports import TODAY, closed, opened


def test_an_open_report_is_a_heading_a_verdict_a_table_and_what_was_not_checked() -> None:
    assert render(*opened(), title="bgb preflight") == (
        "## bgb preflight\n\n"
        "**OPEN** · suite walk · tier standard · 2025-06-01T12:00:00+00:00\n\n"
        "| check | | says | seconds |\n"
        "| --- | --- | --- | ---: |\n"
        "| `python_version` | ✅ passed | Python 3.11.9, as expected | 0.04 |\n\n"
        "### Not checked\n\n"
        "- the weather\n"
    )


def test_a_closed_report_has_reasons_and_details_of_what_did_not_pass() -> None:
    text = render(*closed())
    assert "**CLOSED**" in text
    assert "- torch_build: torch is built for the CPU" in text
    assert "| torch/version.py | 2.8.0+cpu | 2.2.2+cu121 |" in text
    assert "```sh\npip install -r constraints.txt\n```" in text
    assert "| `kernels` | ❓ did not run |  |  |" in text
    assert "### python_version" not in text
    assert [line for line in text.splitlines() if line.startswith("### ")] == [
        "### torch_build",
        "### driver",
        "### unlisted",
        "### disk",
        "### Warnings",
        "### Waived",
        "### Not checked",
    ]


def test_no_text_breaks_the_table() -> None:
    finding = Finding.failed("a|b\n`c` <b>", Evidence(subject="x|y", found="\\", expected="1"), remedy="")
    report = replace(opened()[0], results=(Judged(check="a", finding=finding),))
    text = render(report, decide(report, Policy(name="p", required=("a",)), today=TODAY))
    assert "| `a` | ❌ failed | a\\|b \\`c\\` &lt;b> | 0.00 |" in text
    assert "| x\\|y | \\\\ | 1 |" in text
    assert "```" not in text
