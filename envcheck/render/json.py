"""For machines. Fields are added, never changed, without a new `schema_version`."""

from __future__ import annotations

import json

from envcheck.core import Decision, Json, Judged, Report, Standing, encode

SCHEMA_VERSION = 1


def render(report: Report, decision: Decision, *, title: str = "") -> str:
    """One JSON object, ASCII only, so that no terminal or log can damage it."""
    return json.dumps(to_json(report, decision, title=title), indent=1, allow_nan=False) + "\n"


def to_json(report: Report, decision: Decision, *, title: str = "") -> dict[str, Json]:
    """The object that `render` writes."""
    return {
        "schema_version": SCHEMA_VERSION,
        "title": title,
        "suite": report.suite,
        "tier": report.tier.value,
        "partial": report.partial,
        "open": decision.open,
        "verdict": decision.verdict.value,
        "reasons": encode(decision.reasons),
        "warnings": encode(decision.warnings),
        "waived": encode(decision.waived),
        "checks": [_check(result, decision) for result in report.results],
        "absent": [name for name, standing in decision.standings.items() if standing is Standing.ABSENT],
        "not_checked": encode(report.not_checked),
        "seen_earlier": encode(report.seen_earlier),
        "observe_seconds": round(report.observe_seconds, 4),
        "judged_at": report.judged_at,
        "facts_digest": report.facts_digest,
        "expect_digest": report.expect_digest,
    }


def _check(result: Judged, decision: Decision) -> dict[str, Json]:
    finding = result.finding
    return {
        "name": result.check,
        "standing": decision.standings[result.check].value,
        "verdict": finding.verdict.value,
        "summary": finding.summary,
        "evidence": encode(finding.evidence),
        "remedy": finding.remedy,
        "seconds": round(result.seconds, 4),
        "reads": encode(result.reads),
    }
