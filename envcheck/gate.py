"""From a report and a policy to open or closed. Fails closed: what is required and not known does not open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from envcheck.core import Decision, Judged, Report, Standing, Verdict
from envcheck.errors import ExitCode
from envcheck.policy import Policy, Waiver

_OPENING = frozenset({Standing.PASSED, Standing.WAIVED})


def decide(report: Report, policy: Policy, *, today: date) -> Decision:
    """Open exactly when the report is whole and every required check passed or is waived through today."""
    results = {result.check: result for result in report.results}
    waivers = {waiver.check: waiver for waiver in policy.waivers}
    names = dict.fromkeys([*results, *policy.required])
    standings = {name: _standing(name, results.get(name), policy, today) for name in names}
    blocked = _blocked_as_a_whole(report, policy)
    closed = [name for name in policy.required if standings[name] not in _OPENING]
    return Decision(
        verdict=_verdict(standings, closed_as_a_whole=bool(blocked)),
        open=not blocked and not closed,
        reasons=(
            *blocked,
            *(
                _reason(name, results.get(name), waivers.get(name), report)
                for name in closed
                if not (report.partial and standings[name] is Standing.ABSENT)
            ),
        ),
        warnings=(
            *(f"{name}: {_says(results[name])}" for name in names if standings[name] is Standing.WARNED),
            *_needless(waivers, results),
        ),
        waived=tuple(_excuse(results[name], waivers[name]) for name in names if standings[name] is Standing.WAIVED),
        standings=standings,
    )


def exit_code(decision: Decision) -> ExitCode:
    """What the process says about a decision."""
    if decision.open:
        return ExitCode.OPEN
    return ExitCode.CLOSED if decision.verdict is Verdict.FAIL else ExitCode.UNKNOWN


def _standing(name: str, result: Judged | None, policy: Policy, today: date) -> Standing:
    if result is None:
        return Standing.ABSENT
    if result.finding.verdict is Verdict.PASS:
        return Standing.PASSED
    if name not in policy.required:
        return Standing.WARNED
    if any(waiver.check == name and today <= waiver.expires for waiver in policy.waivers):
        return Standing.WAIVED
    return Standing.FAILED if result.finding.verdict is Verdict.FAIL else Standing.UNKNOWN


def _blocked_as_a_whole(report: Report, policy: Policy) -> tuple[str, ...]:
    reasons = []
    if not policy.required:
        reasons.append(f"policy '{policy.name}' requires no check of suite '{report.suite}', which opens nothing")
    if not report.results:
        reasons.append("no check ran")
    if report.partial:
        reasons.append("--only or --skip left checks out, and a part never opens a gate")
    return tuple(reasons)


def _verdict(standings: Mapping[str, Standing], *, closed_as_a_whole: bool) -> Verdict:
    if Standing.FAILED in standings.values():
        return Verdict.FAIL
    unknown = {Standing.UNKNOWN, Standing.ABSENT} & set(standings.values())
    return Verdict.UNKNOWN if unknown or closed_as_a_whole else Verdict.PASS


def _reason(name: str, result: Judged | None, waiver: Waiver | None, report: Report) -> str:
    if result is None:
        why = next((line for line in report.not_checked if line.startswith(f"{name}: ")), f"{name}: did not run")
        return f"{why}, and is required"
    lapsed = f" (its waiver by {waiver.owner} expired after {waiver.expires})" if waiver else ""
    return f"{name}: {_says(result)}{lapsed}"


def _excuse(result: Judged, waiver: Waiver) -> str:
    return f"{result.check}: {_says(result)}; waived by {waiver.owner} through {waiver.expires}: {waiver.reason}"


def _says(result: Judged) -> str:
    return result.finding.summary


def _needless(waivers: Mapping[str, Waiver], results: Mapping[str, Judged]) -> list[str]:
    return [
        f"{name}: passed, so its waiver by {waiver.owner} can go"
        for name, waiver in waivers.items()
        if name in results and results[name].finding.verdict is Verdict.PASS
    ]
