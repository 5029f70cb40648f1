from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from envcheck.core import Finding, Judged
from envcheck.gate import decide
from envcheck.policy import Policy
from envcheck.render.junit import render
from tests.envcheck.render.reports import CLOSED, TODAY, closed, opened, part


def outcomes(text: str) -> dict[str, str]:
    """What each testcase came to."""
    suite = ElementTree.fromstring(text)
    cases = suite.findall("testcase")
    return {case.get("name", ""): (case[0].tag if len(case) else "passed") for case in cases}


def test_failures_errors_and_skips_are_kept_apart() -> None:
    assert outcomes(render(*closed())) == {
        "python_version": "passed",
        "torch_build": "failure",
        "driver": "error",
        "unlisted": "skipped",
        "disk": "skipped",
        "kernels": "error",
        "gate": "failure",
    }


def test_the_suite_counts_them() -> None:
    suite = ElementTree.fromstring(render(*closed(), title="bgb preflight"))
    counts = {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped", "time")}
    assert counts == {
        "name": "bgb preflight",
        "tests": str(len(CLOSED) + 1),
        "failures": "2",
        "errors": "2",
        "skipped": "2",
        "time": "20.000",
    }


def test_an_open_gate_is_all_green() -> None:
    assert outcomes(render(*opened())) == {"python_version": "passed", "gate": "passed"}


def test_a_closed_gate_is_never_all_green() -> None:
    found = outcomes(render(*part()))
    assert found["gate"] == "error"


def test_a_failure_says_what_was_found_and_how_to_fix_it() -> None:
    failure = ElementTree.fromstring(render(*closed())).find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "torch is built for the CPU"
    assert failure.text == (
        "torch/version.py: found 2.8.0+cpu, expected 2.2.2+cu121\nfix: pip install -r constraints.txt"
    )


def test_what_was_not_checked_is_said() -> None:
    outside = ElementTree.fromstring(render(*opened())).find("system-out")
    assert outside is not None
    assert outside.text == "not checked:\nthe weather"


@pytest.mark.parametrize("text", ["\x00\x1b[31mred", "caf\udce9", "<&>'\""])
def test_no_text_makes_the_document_invalid(text: str) -> None:
    report, _ = opened()
    report = replace(report, results=(Judged(check="a", finding=Finding.failed(text, remedy=text)),))
    decision = decide(report, Policy(name="p", required=("a",)), today=TODAY)
    failure = ElementTree.fromstring(render(report, decision, title=text)).find("testcase/failure")
    assert failure is not None
