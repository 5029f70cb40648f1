"""For a pull request or a run directory."""

from __future__ import annotations

from collections.abc import Sequence

from envcheck.core import Decision, Evidence, Finding, Judged, Report, Standing

_MARKS = {
    Standing.PASSED: "✅ passed",
    Standing.FAILED: "❌ failed",
    Standing.UNKNOWN: "❓ unknown",
    Standing.ABSENT: "❓ did not run",
    Standing.WARNED: "⚠️ warning",
    Standing.WAIVED: "🟡 waived",
}


def render(report: Report, decision: Decision, *, title: str = "") -> str:
    """A heading, the verdict, a table of checks, details of those that did not pass, and what was not checked."""
    results = {result.check: result for result in report.results}
    rows = [_row(name, standing, results.get(name)) for name, standing in decision.standings.items()]
    blocks = [
        f"## {title or report.suite}",
        f"**{'OPEN' if decision.open else 'CLOSED'}** · suite {report.suite} · tier {report.tier} · {report.judged_at}",
        _bullets(decision.reasons),
        "\n".join(["| check | | says | seconds |", "| --- | --- | --- | ---: |", *rows]),
        *(_details(result) for result in report.results if decision.standings[result.check] is not Standing.PASSED),
        _section("Warnings", decision.warnings),
        _section("Waived", decision.waived),
        _section("Seen earlier", report.seen_earlier),
        _section("Not checked", report.not_checked),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _row(name: str, standing: Standing, result: Judged | None) -> str:
    summary = _cell(result.finding.summary) if result else ""
    seconds = f"{result.seconds:.2f}" if result else ""
    return f"| `{name}` | {_MARKS[standing]} | {summary} | {seconds} |"


def _details(result: Judged) -> str:
    finding: Finding = result.finding
    return "\n\n".join(filter(None, [f"### {result.check}", _evidence(finding.evidence), _remedy(finding.remedy)]))


def _evidence(evidence: Sequence[Evidence]) -> str:
    if not evidence:
        return ""
    rows = [f"| {_cell(item.subject)} | {_cell(item.found)} | {_cell(item.expected)} |" for item in evidence]
    return "\n".join(["| | found | expected |", "| --- | --- | --- |", *rows])


def _remedy(remedy: str) -> str:
    return f"```sh\n{remedy}\n```" if remedy else ""


def _section(heading: str, lines: Sequence[str]) -> str:
    return f"### {heading}\n\n{_bullets(lines)}" if lines else ""


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_cell(line)}" for line in lines)


def _cell(text: str) -> str:
    """Text that neither ends its table cell nor becomes markup."""
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
    return " ".join(escaped.split())
