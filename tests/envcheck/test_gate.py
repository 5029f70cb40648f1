from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envcheck.core import Standing, Verdict
from envcheck.errors import ExitCode
from envcheck.gate import decide, exit_code
from envcheck.policy import Policy, Waiver
from tests.envcheck.toy_suite import report_of

TODAY = date(2025, 6, 1)
NAMES = ("a", "b", "c", "d")

verdicts = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(Verdict))
required = st.lists(st.sampled_from(NAMES), unique=True).map(tuple)
waivers = st.dictionaries(st.sampled_from(NAMES), st.integers(-1, 1)).map(
    lambda days: tuple(waiver_of(name, TODAY + timedelta(days=day)) for name, day in days.items())
)


def waiver_of(check: str, expires: date) -> Waiver:
    return Waiver(check=check, reason="known", owner="ana", expires=expires)


def policy_of(*required: str, waivers: tuple[Waiver, ...] = ()) -> Policy:
    return Policy(name="p", required=required, waivers=waivers)


@given(verdicts=verdicts, required=required, waivers=waivers, partial=st.booleans())
def test_open_exactly_when_whole_and_every_required_check_ran_and_passed_or_is_waived_today(
    verdicts: dict[str, Verdict], required: tuple[str, ...], waivers: tuple[Waiver, ...], partial: bool
) -> None:
    decision = decide(report_of(verdicts, partial=partial), policy_of(*required, waivers=waivers), today=TODAY)
    excused = {waiver.check for waiver in waivers if waiver.expires >= TODAY}
    passed = {name for name, verdict in verdicts.items() if verdict is Verdict.PASS or name in excused}
    assert decision.open == (bool(required) and not partial and set(required) <= passed)


@given(verdicts=verdicts, required=required, waivers=waivers, partial=st.booleans())
def test_the_exit_status_opens_with_the_gate_and_every_closed_gate_has_a_reason(
    verdicts: dict[str, Verdict], required: tuple[str, ...], waivers: tuple[Waiver, ...], partial: bool
) -> None:
    decision = decide(report_of(verdicts, partial=partial), policy_of(*required, waivers=waivers), today=TODAY)
    assert (exit_code(decision) is ExitCode.OPEN) == decision.open == (decision.verdict is Verdict.PASS)
    assert bool(decision.reasons) != decision.open


@pytest.mark.parametrize(
    ("verdict", "code"),
    [(Verdict.PASS, ExitCode.OPEN), (Verdict.FAIL, ExitCode.CLOSED), (Verdict.UNKNOWN, ExitCode.UNKNOWN)],
)
def test_each_verdict_of_a_required_check_has_its_exit_status(verdict: Verdict, code: ExitCode) -> None:
    assert exit_code(decide(report_of({"a": verdict}), policy_of("a"), today=TODAY)) is code


def test_a_failure_counts_before_what_could_not_be_checked() -> None:
    decision = decide(report_of({"a": Verdict.UNKNOWN, "b": Verdict.FAIL}), policy_of("a", "b"), today=TODAY)
    assert exit_code(decision) is ExitCode.CLOSED
    assert decision.reasons == ("a: a says unknown", "b: b says fail")


def test_a_policy_that_requires_nothing_never_opens() -> None:
    decision = decide(report_of({"a": Verdict.PASS}), policy_of(), today=TODAY)
    assert decision.reasons == ("policy 'p' requires no check of suite 'walk', which opens nothing",)
    assert exit_code(decision) is ExitCode.UNKNOWN


def test_a_report_without_checks_never_opens() -> None:
    decision = decide(report_of({}), policy_of("a"), today=TODAY)
    assert decision.reasons == ("no check ran", "a: did not run, and is required")


def test_a_required_check_that_did_not_run_closes_and_says_why() -> None:
    decision = decide(report_of({"a": Verdict.PASS}), policy_of("a", "is_calm"), today=TODAY)
    assert decision.reasons == ("is_calm: runs from tier deep, and is required",)
    assert decision.standings == {"a": Standing.PASSED, "is_calm": Standing.ABSENT}
    assert exit_code(decision) is ExitCode.UNKNOWN


def test_a_part_never_opens_and_its_missing_checks_are_no_reasons_of_their_own() -> None:
    decision = decide(report_of({"a": Verdict.PASS}, partial=True), policy_of("a", "b"), today=TODAY)
    assert decision.reasons == ("--only or --skip left checks out, and a part never opens a gate",)


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.UNKNOWN])
def test_what_is_not_required_is_a_warning(verdict: Verdict) -> None:
    decision = decide(report_of({"a": Verdict.PASS, "b": verdict}), policy_of("a"), today=TODAY)
    assert decision.open
    assert decision.warnings == (f"b: b says {verdict}",)
    assert decision.standings["b"] is Standing.WARNED


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.UNKNOWN])
def test_a_waived_check_is_listed_with_who_until_when_and_why(verdict: Verdict) -> None:
    policy = policy_of("a", "b", waivers=(waiver_of("b", TODAY),))
    decision = decide(report_of({"a": Verdict.PASS, "b": verdict}), policy, today=TODAY)
    assert decision.open
    assert decision.waived == (f"b: b says {verdict}; waived by ana through 2025-06-01: known",)


def test_a_waiver_of_yesterday_excuses_nothing() -> None:
    policy = policy_of("a", waivers=(waiver_of("a", TODAY - timedelta(days=1)),))
    decision = decide(report_of({"a": Verdict.FAIL}), policy, today=TODAY)
    assert decision.reasons == ("a: a says fail (its waiver by ana expired after 2025-05-31)",)


def test_a_waiver_for_a_check_that_passes_is_a_warning() -> None:
    policy = policy_of("a", waivers=(waiver_of("a", TODAY),))
    decision = decide(report_of({"a": Verdict.PASS}), policy, today=TODAY)
    assert decision.open
    assert decision.warnings == ("a: passed, so its waiver by ana can go",)


def test_a_waiver_does_not_excuse_a_check_that_did_not_run() -> None:
    policy = policy_of("a", "b", waivers=(waiver_of("b", TODAY),))
    assert not decide(report_of({"a": Verdict.PASS}), policy, today=TODAY).open
