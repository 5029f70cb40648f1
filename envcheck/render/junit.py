"""For CI: a testcase for each check and one for the gate, so that a closed gate is never all green.

A required check that failed is a failure, one that could not be checked an error; one that is waived or not required
is skipped with its message.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from envcheck.core import Decision, Judged, Report, Standing, Verdict

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS = {
    Standing.FAILED: "failure",
    Standing.UNKNOWN: "error",
    Standing.ABSENT: "error",
    Standing.WARNED: "skipped",
    Standing.WAIVED: "skipped",
}


def render(report: Report, decision: Decision, *, title: str = "") -> str:
    """A JUnit XML document with one testsuite."""
    results = {result.check: result for result in report.results}
    suite = ElementTree.Element("testsuite", name=_legal(title or report.suite), timestamp=report.judged_at)
    for name, standing in decision.standings.items():
        _add_check(suite, report.suite, name, standing, results.get(name))
    _add_gate(suite, report.suite, decision)
    outside = ElementTree.SubElement(suite, "system-out")
    outside.text = _legal("\n".join(["not checked:", *report.not_checked]))
    for kind in ("failure", "error", "skipped"):
        suite.set(kind if kind == "skipped" else f"{kind}s", str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("time", f"{report.observe_seconds:.3f}")
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _add_check(
    suite: ElementTree.Element, classname: str, name: str, standing: Standing, result: Judged | None
) -> None:
    seconds = result.seconds if result else 0.0
    case = ElementTree.SubElement(suite, "testcase", classname=classname, name=name, time=f"{seconds:.3f}")
    if standing is Standing.PASSED:
        return
    message = result.finding.summary if result else "required, and it did not run"
    detail = ElementTree.SubElement(case, _ELEMENTS[standing], message=_legal(message), type=standing.value)
    detail.text = _legal(_details(result)) if result else None


def _add_gate(suite: ElementTree.Element, classname: str, decision: Decision) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=classname, name="gate", time="0.000")
    if not decision.open:
        kind = "failure" if decision.verdict is Verdict.FAIL else "error"
        detail = ElementTree.SubElement(case, kind, message="closed", type="closed")
        detail.text = _legal("\n".join(decision.reasons))


def _details(result: Judged) -> str:
    lines = [f"{item.subject}: found {item.found}, expected {item.expected}" for item in result.finding.evidence]
    return "\n".join([*lines, f"fix: {result.finding.remedy}"])


def _legal(text: str) -> str:
    """XML 1.0 has no way to write most control characters, nor a lone surrogate."""
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
