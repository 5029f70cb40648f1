"""One page that needs nothing but itself: to look at in a browser, or to keep with a run."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from envcheck.core import Decision, Evidence, Judged, Report, Standing

_WORDS = {
    Standing.PASSED: "passed",
    Standing.FAILED: "failed",
    Standing.UNKNOWN: "unknown",
    Standing.ABSENT: "did not run",
    Standing.WARNED: "warning",
    Standing.WAIVED: "waived",
}
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bad: #c62f2f; --odd: #b26a00; --good: #1b7f3b; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .3rem .6rem; border-top: 1px solid var(--line); }
td:last-child, th:last-child { text-align: right; white-space: nowrap; }
td td:last-child, td th:last-child { text-align: left; white-space: normal; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: #8881; padding: .5rem; overflow-x: auto; margin: .4rem 0; }
summary { cursor: pointer; }
.verdict { display: inline-block; padding: .1rem .6rem; border-radius: .3rem; color: #fff; font-weight: 600; }
.open, .passed { color: var(--good); } .failed { color: var(--bad); } .unknown, .absent { color: var(--bad); }
.warned, .waived { color: var(--odd); }
.verdict.open { background: var(--good); color: #fff; } .verdict.closed { background: var(--bad); }
"""


def render(report: Report, decision: Decision, *, title: str = "") -> str:
    """Verdict and reasons on top; each check with its evidence to open, those that did not pass opened already."""
    name, verdict = title or report.suite, "open" if decision.open else "closed"
    results = {result.check: result for result in report.results}
    rows = "".join(_row(check, standing, results.get(check)) for check, standing in decision.standings.items())
    body = [
        f"<h1>{escape(name)}</h1>",
        f'<p><span class="verdict {verdict}">{verdict.upper()}</span> suite {escape(report.suite)}, '
        f"tier {report.tier}, {escape(report.judged_at)}</p>",
        _list("", decision.reasons),
        f"<table><tr><th>check</th><th></th><th>says</th><th>seconds</th></tr>{rows}</table>",
        _list("Warnings", decision.warnings),
        _list("Waived", decision.waived),
        _list("Seen earlier", report.seen_earlier),
        _list("Not checked", report.not_checked),
        f"<p><small>facts {report.facts_digest[:16]}, expectations {report.expect_digest[:16]}</small></p>",
    ]
    head = f'<meta charset="utf-8"><title>{verdict.upper()}: {escape(name)}</title><style>{_STYLE}</style>'
    page = "\n".join(filter(None, body))
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{page}\n</body></html>\n'


def _row(check: str, standing: Standing, result: Judged | None) -> str:
    said = _says(result, opened=standing is not Standing.PASSED) if result else ""
    seconds = f"{result.seconds:.2f}" if result else ""
    word = f'<td class="{standing.value}">{_WORDS[standing]}</td>'
    return f"\n<tr><td><code>{escape(check)}</code></td>{word}<td>{said}</td><td>{seconds}</td></tr>"


def _says(result: Judged, *, opened: bool) -> str:
    finding = result.finding
    remedy = f"<pre>{escape(finding.remedy)}</pre>" if finding.remedy else ""
    inside = _evidence(finding.evidence) + remedy
    if not inside:
        return escape(finding.summary)
    return f"<details{' open' if opened else ''}><summary>{escape(finding.summary)}</summary>{inside}</details>"


def _evidence(evidence: Sequence[Evidence]) -> str:
    if not evidence:
        return ""
    rows = (
        "".join(f"<td>{escape(text)}</td>" for text in (item.subject, item.found, item.expected)) for item in evidence
    )
    table = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><tr><th></th><th>found</th><th>expected</th></tr>{table}</table>"


def _list(heading: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"{f'<h2>{heading}</h2>' if heading else ''}<ul>{items}</ul>"
