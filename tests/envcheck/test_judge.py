from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from envcheck.core import Context, Entry, Expectations, Facts, Finding, NotSeen, Request, Suite, Tier, Unseen, Verdict
from envcheck.errors import CheckFault, ExitCode, SelectionError
from envcheck.judge import Selection, judge, observe_command, select
from envcheck.observe import address_of
from tests.envcheck.toy_facts import Greeting, Weather
from tests.envcheck.toy_suite import CHECKS, NOON, SUITE, context_of, seen

DEEP = Selection(tier=Tier.DEEP)


def finding_of(name: str, context: Context) -> Finding:
    report = judge(SUITE, CHECKS, context, DEEP)
    return next(result.finding for result in report.results if result.check == name)


def test_every_check_of_the_tier_runs_in_the_suites_order() -> None:
    report = judge(SUITE, CHECKS, context_of(), DEEP, now=NOON)
    assert [(result.check, result.finding.verdict) for result in report.results] == [
        ("is_dry", Verdict.PASS),
        ("greets", Verdict.PASS),
        ("is_calm", Verdict.PASS),
    ]
    assert (report.suite, report.tier, report.partial) == ("walk", Tier.DEEP, False)
    assert report.judged_at == "2025-06-01T12:00:00+00:00"


def test_the_same_facts_give_the_same_findings() -> None:
    first, again = (judge(SUITE, CHECKS, context_of(), DEEP) for _ in range(2))
    assert [result.finding for result in first.results] == [result.finding for result in again.results]


def test_a_report_carries_the_digests_of_what_was_judged() -> None:
    context = context_of()
    report = judge(SUITE, CHECKS, context, DEEP)
    assert (report.facts_digest, report.expect_digest) == (context.facts.digest(), context.expect.digest())


def test_each_check_says_what_it_read_and_what_observing_that_took() -> None:
    report = judge(SUITE, CHECKS, context_of(), DEEP)
    results = {result.check: result for result in report.results}
    assert results["is_dry"].reads == ("weather",)
    assert results["greets"].reads == ("greeting", "expect.greeting")
    assert 2.0 <= results["is_calm"].seconds < 3.0
    assert report.observe_seconds == 2.0


def test_what_a_shallow_tier_leaves_out_is_said_with_what_nothing_covers() -> None:
    report = judge(SUITE, CHECKS, context_of(), Selection(tier=Tier.QUICK))
    assert [result.check for result in report.results] == ["is_dry"]
    assert not report.partial
    assert report.not_checked == (
        "greets: runs from tier standard",
        "is_calm: runs from tier deep",
        "whether it will rain tomorrow",
    )


def test_a_fact_that_was_not_observed_makes_its_check_unknown() -> None:
    finding = finding_of("is_dry", context_of(Facts({})))
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.summary == "could not check: weather was not observed"
    assert finding.remedy == "envcheck observe tests.envcheck.toy_facts:Weather"


def test_a_fact_that_could_not_be_seen_gives_its_reason() -> None:
    facts = Facts({**seen(), "weather": Entry(schema=1, value=Unseen(reason="killed by SIGSEGV"))})
    assert finding_of("is_dry", context_of(facts)).summary == "could not check: weather: killed by SIGSEGV"


def test_a_fact_of_another_shape_makes_its_check_unknown() -> None:
    facts = Facts({**seen(), "weather": Entry(schema=1, value={"celsius": 1.0, "rain": "much"})})
    finding = finding_of("is_dry", context_of(facts))
    assert "weather.rain: expected" in finding.summary
    assert finding.remedy == "envcheck observe tests.envcheck.toy_facts:Weather"


def test_an_expectation_that_was_not_stated_makes_its_check_unknown() -> None:
    finding = finding_of("greets", Context(facts=seen(), expect=Expectations({})))
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.remedy == "state [expect.greeting] in the policy"


def test_a_check_that_says_itself_that_it_cannot_see_is_unknown() -> None:
    def gives_up(context: Context) -> Finding:
        raise NotSeen("the moon is behind clouds")

    suite = Suite(name="night", requests=(), checks={"moon": Tier.QUICK})
    (result,) = judge(suite, {"moon": gives_up}, context_of(), DEEP).results
    assert result.finding.verdict is Verdict.UNKNOWN
    assert result.finding.remedy == "observe the facts again"


def breaks(context: Context) -> Finding:
    raise KeyError("weather")


def says_yes(context: Context) -> Any:
    return True


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (breaks, r"check 'odd' broke: KeyError: 'weather' \(test_judge.py:\d+\)"),
        (says_yes, "check 'odd' returned bool, expected a Finding; this is a fault"),
    ],
)
def test_a_check_that_breaks_is_a_fault_of_ours_and_never_passes(
    check: Callable[[Context], Finding], message: str
) -> None:
    suite = Suite(name="odd", requests=(), checks={"odd": Tier.QUICK})
    with pytest.raises(CheckFault, match=message) as caught:
        judge(suite, {"odd": check}, context_of(), DEEP)
    assert caught.value.exit_code is ExitCode.FAULT


def test_a_suite_that_names_a_check_that_does_not_exist_is_a_fault_of_ours() -> None:
    suite = Suite(name="odd", requests=(), checks={"is_drie": Tier.QUICK})
    with pytest.raises(CheckFault, match=r"lists check 'is_drie', which does not exist; did you mean 'is_dry'\?"):
        judge(suite, CHECKS, context_of(), DEEP)


@pytest.mark.parametrize(
    ("only", "skip", "names"),
    [
        (("greets",), (), ("greets",)),
        ((), ("greets",), ("is_dry", "is_calm")),
        (("greets", "is_dry"), ("greets",), ("is_dry",)),
    ],
)
def test_a_selection_runs_a_part_and_says_so(
    only: tuple[str, ...], skip: tuple[str, ...], names: tuple[str, ...]
) -> None:
    report = judge(SUITE, CHECKS, context_of(), Selection(tier=Tier.DEEP, only=only, skip=skip))
    assert report.partial
    assert tuple(result.check for result in report.results) == names
    left_out = [name for name in SUITE.checks if name not in names]
    assert report.not_checked[:-1] == tuple(f"{name}: left out of this run" for name in left_out)


@pytest.mark.parametrize("field", ["only", "skip"])
def test_a_name_that_the_suite_does_not_have_is_answered_with_the_nearest(field: str) -> None:
    with pytest.raises(SelectionError, match=r"suite 'walk' has no check 'is_drie'; did you mean 'is_dry'\?"):
        select(SUITE, Selection(tier=Tier.DEEP, **{field: ("is_drie",)}))


def test_a_name_that_is_like_no_other_is_answered_with_all() -> None:
    with pytest.raises(SelectionError, match="known: greets, is_calm, is_dry"):
        select(SUITE, Selection(tier=Tier.DEEP, only=("zzz",)))


def test_asking_for_a_check_of_a_deeper_tier_says_which_tier() -> None:
    with pytest.raises(SelectionError, match="check 'is_calm' runs from tier deep; ask for --tier deep"):
        select(SUITE, Selection(tier=Tier.QUICK, only=("is_calm",)))


def test_the_command_that_looks_at_one_fact_has_its_parameters_unless_they_are_long() -> None:
    address = address_of(Greeting)
    short = Request(fact=Greeting, parameters={"name": "Ana"})
    assert observe_command(short) == f"""envcheck observe {address} --with '{{"name": "Ana"}}'"""
    assert observe_command(Request(fact=Greeting, parameters={"name": "A" * 300})) == f"envcheck observe {address}"
    assert observe_command(Request(fact=Weather)) == f"envcheck observe {address_of(Weather)}"
