from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envcheck.core import Context, Decision, Facts, Finding, Report, Standing, Tier, Verdict
from envcheck.errors import ReceiptError
from envcheck.gate import decide
from envcheck.judge import Selection, judge
from envcheck.policy import Policy, Waiver
from envcheck.receipt import (
    Receipt,
    differences,
    from_statement,
    make_receipt,
    read_receipt,
    replay,
    revoke_receipt,
    to_statement,
    write_receipt,
)
from tests.envcheck.toy_suite import CHECKS, NOON, SUITE, context_of, seen

LOCK, PLAN = "a" * 64, "b" * 64
SUBJECTS = {"lockfile": LOCK, "plan": PLAN}
POLICY = Policy(name="summer", required=("is_dry", "greets"))
WAIVER = Waiver(check="greets", reason="Ana is away", owner="bo", expires=date(2025, 6, 1))


def judged(
    context: Context, policy: Policy = POLICY, tier: Tier = Tier.DEEP, *, skip: tuple[str, ...] = ()
) -> tuple[Report, Decision]:
    report = judge(SUITE, CHECKS, context, Selection(tier=tier, skip=skip), now=NOON)
    return report, decide(report, policy, today=NOON.date())


def receipt_of(context: Context, policy: Policy = POLICY, subjects: Mapping[str, str] = SUBJECTS) -> Receipt:
    report, decision = judged(context, policy)
    return make_receipt(report, decision, policy, subjects, context.facts)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A receipt's directory."""
    context = context_of()
    write_receipt(tmp_path / "receipt", receipt_of(context), context, texts={"report.md": "# fine\n"})
    return tmp_path / "receipt"


def edit(path: Path, *keys: str | int, value: object) -> None:
    """Change one value deep in a JSON file."""
    content = json.loads(path.read_text())
    inner: Any = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(content))


def test_a_receipt_is_an_in_toto_statement_about_subjects_by_digest() -> None:
    statement = to_statement(receipt_of(context_of()))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [
        {"name": "lockfile", "digest": {"sha256": LOCK}},
        {"name": "plan", "digest": {"sha256": PLAN}},
    ]
    predicate: Any = statement["predicate"]
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["timeVerified"] == NOON.isoformat()
    assert predicate["policy"] == {"name": "summer", "digest": {"sha256": POLICY.digest}}
    assert predicate["verifier"]["id"] == "envcheck"


def test_a_receipt_lists_every_check_that_ran_with_verdict_duration_and_expiry() -> None:
    receipt = receipt_of(context_of())
    assert [(check.name, check.verdict, check.expires) for check in receipt.checks] == [
        ("is_dry", Verdict.PASS, "2025-06-01T12:10:00+00:00"),
        ("greets", Verdict.PASS, None),
        ("is_calm", Verdict.PASS, None),
    ]
    assert receipt.checks[0].seconds >= 0.5
    assert receipt.checks[0].summary == "it is dry at 21.5 degrees"


def test_a_fact_with_a_life_that_does_not_say_when_it_was_observed_is_expired_at_once() -> None:
    facts = seen()
    facts = Facts({**facts, "weather": replace(facts["weather"], observed_at="")})
    assert receipt_of(context_of(facts)).checks[0].expires == NOON.isoformat()


def test_a_waived_check_holds_no_longer_than_its_waiver() -> None:
    policy = replace(POLICY, waivers=(WAIVER,))
    receipt = receipt_of(context_of(seen(text="what?")), policy)
    assert receipt.checks[1].standing is Standing.WAIVED
    assert receipt.checks[1].expires == "2025-06-02T00:00:00+00:00"
    assert [waiver.check for waiver in receipt.waivers] == ["greets"]


@pytest.mark.parametrize("rain", [True, False])
def test_no_receipt_comes_from_a_closed_or_partial_report(rain: bool) -> None:
    context = context_of(seen(rain=rain))
    report, decision = judged(context, skip=() if rain else ("is_calm",))
    with pytest.raises(ReceiptError, match="closed report: is_dry: it rains" if rain else "partial report: --only"):
        make_receipt(report, decision, POLICY, SUBJECTS, context.facts)


def test_a_partial_report_gives_no_receipt_even_with_a_decision_that_claims_to_be_open() -> None:
    context = context_of()
    report, _ = judged(context, skip=("is_calm",))
    _, decision = judged(context)
    with pytest.raises(ReceiptError, match="partial"):
        make_receipt(report, decision, POLICY, SUBJECTS, context.facts)


@pytest.mark.parametrize(
    ("subjects", "message"),
    [({}, "needs subjects"), ({"plan": "abc"}, "subject 'plan': expected a SHA-256 in hex, found 'abc'")],
)
def test_a_receipt_about_nothing_is_refused(subjects: dict[str, str], message: str) -> None:
    with pytest.raises(ReceiptError, match=message):
        receipt_of(context_of(), subjects=subjects)


def test_other_facts_than_the_judged_ones_are_refused() -> None:
    report, decision = judged(context_of())
    with pytest.raises(ReceiptError, match="not the ones that were judged"):
        make_receipt(report, decision, POLICY, SUBJECTS, seen(text="other"))


def test_a_written_receipt_is_read_as_it_was_by_folder_or_by_file(directory: Path) -> None:
    receipt = read_receipt(directory)
    assert to_statement(receipt) == json.loads((directory / "receipt.json").read_text())
    assert read_receipt(directory / "receipt.json") == receipt
    assert sorted(path.name for path in directory.iterdir()) == [
        "expect.json",
        "facts.json",
        "receipt.json",
        "report.md",
    ]


def test_a_receipt_vouches_for_the_same_subjects_while_it_lasts(directory: Path) -> None:
    assert differences(read_receipt(directory), SUBJECTS, NOON + timedelta(minutes=9)) == ()


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        ({**SUBJECTS, "plan": "c" * 64}, "plan changed since it was checked: was bbbbbbbbbbbb, is cccccccccccc"),
        ({"lockfile": LOCK}, "plan was part of what was checked (bbbbbbbbbbbb) and is not here now"),
        ({**SUBJECTS, "code": "c" * 64}, "the receipt says nothing about code"),
    ],
)
def test_every_subject_that_differs_is_a_sentence(directory: Path, now: dict[str, str], sentence: str) -> None:
    (difference,) = differences(read_receipt(directory), now, NOON)
    assert difference.sentence == sentence
    assert difference.remedy == "run the preflight again"


@pytest.mark.parametrize(("minutes", "age"), [(10, "10 min"), (150, "2 h"), (60 * 72, "3 days")])
def test_what_a_check_saw_does_not_hold_for_ever(directory: Path, minutes: int, age: str) -> None:
    remedies = {"is_dry": "look at the sky"}
    (difference,) = differences(read_receipt(directory), SUBJECTS, NOON + timedelta(minutes=minutes), remedies=remedies)
    assert difference.sentence == f"is_dry was checked {age} ago and held only until 2025-06-01T12:10:00+00:00"
    assert difference.remedy == "look at the sky"


def test_a_receipt_from_the_future_vouches_for_nothing(directory: Path) -> None:
    (difference,) = differences(read_receipt(directory), SUBJECTS, NOON - timedelta(minutes=5))
    assert "made in the future" in difference.sentence


digests = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])
subject_maps = st.dictionaries(st.sampled_from(["lockfile", "plan", "code"]), digests, min_size=1)


@given(was=subject_maps, now=subject_maps)
def test_a_receipt_vouches_for_its_own_subjects_alone(was: dict[str, str], now: dict[str, str]) -> None:
    assert bool(differences(receipt_of(context_of(), subjects=was), now, NOON)) == (was != now)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file"),
        (b'{"_type": ', "not valid JSON"),
        (b"\xff", "expected JSON in UTF-8"),
        (b'{"hello": 1}', "expected an in-toto Statement, found an object with 'hello'"),
        (b'{"_type": "https://in-toto.io/Statement/v1"}', "expected an in-toto Statement"),
    ],
)
def test_a_file_that_is_no_receipt_says_what_it_is_and_what_to_do(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "receipt.json").write_bytes(content)
    with pytest.raises(ReceiptError, match=f"{message}.*; run the preflight again"):
        read_receipt(tmp_path)


def test_a_missing_receipt_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ReceiptError, match=r"no receipt: .*no such file; run the preflight again"):
        read_receipt(tmp_path / "nowhere")


CHECK = ("predicate", "checks", 0)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (
            ("predicateType",),
            "https://slsa.dev/verification_summary/v1",
            "expected predicate urn:envcheck:preflight:v1",
        ),
        (("subject",), [], "vouches for nothing"),
        (("subject",), [{"name": "plan"}], "expected a subject with a name and a SHA-256"),
        (("predicate", "verificationResult"), "FAILED", "vouches for nothing"),
        (("predicate", "checks"), [], "vouches for nothing"),
        (("predicate", "tier"), "deepest", "receipt.tier: expected"),
        (("predicate", "colour"), "red", "unknown fields: colour"),
        (("predicate", "timeVerified"), "noon", "expected a time, found 'noon'"),
        ((*CHECK, "expires"), "later", "expected a time, found 'later'"),
        ((*CHECK, "verdict"), "fail", "check 'is_dry' is fail and counted as passed"),
        ((*CHECK, "standing"), "failed", "check 'is_dry' is pass and counted as failed"),
        ((*CHECK, "standing"), "absent", "check 'is_dry' is pass and counted as absent"),
    ],
)
def test_a_receipt_that_does_not_add_up_is_refused(
    directory: Path, keys: tuple[str | int, ...], value: object, message: str
) -> None:
    edit(directory / "receipt.json", *keys, value=value)
    with pytest.raises(ReceiptError, match=message):
        read_receipt(directory)


def test_a_time_without_a_zone_is_universal() -> None:
    statement = to_statement(replace(receipt_of(context_of()), time_verified="2025-06-01T12:00:00"))
    assert differences(from_statement(statement), SUBJECTS, NOON) == ()


def test_judging_the_stored_facts_again_agrees(directory: Path) -> None:
    assert replay(directory, SUITE, CHECKS, POLICY) == ()


def test_a_waiver_that_was_in_force_then_counts_when_judging_again(tmp_path: Path) -> None:
    policy, context = replace(POLICY, waivers=(WAIVER,)), context_of(seen(text="what?"))
    write_receipt(tmp_path, receipt_of(context, policy), context)
    assert replay(tmp_path, SUITE, CHECKS, policy) == ()


@pytest.mark.parametrize(
    ("name", "keys", "value"),
    [
        ("facts.json", ("weather", "value", "celsius"), 30.0),
        ("expect.json", ("greeting", "value", "text"), "hello Bo"),
    ],
)
def test_facts_or_expectations_that_were_changed_are_named(
    directory: Path, name: str, keys: tuple[str, ...], value: object
) -> None:
    edit(directory / name, *keys, value=value)
    (difference,) = replay(directory, SUITE, CHECKS, POLICY)
    assert difference.subject == name
    assert f"{name} changed since it was checked" in difference.sentence


def test_another_policy_is_named(directory: Path) -> None:
    (difference,) = replay(directory, SUITE, CHECKS, replace(POLICY, required=("is_dry",)))
    assert difference.subject == "policy"


def test_a_receipt_that_claims_another_verdict_than_its_facts_is_found(directory: Path) -> None:
    checks = {**CHECKS, "is_dry": lambda context: Finding.failed("it rains after all", remedy="run")}
    sentences = [difference.sentence for difference in replay(directory, SUITE, checks, POLICY)]
    assert sentences == [
        "is_dry: the receipt says pass (passed until 2025-06-01T12:10:00+00:00: it is dry at 21.5 degrees), "
        "judging again says fail (failed: it rains after all)"
    ]


def test_a_life_that_was_lengthened_in_a_receipt_is_found(directory: Path) -> None:
    edit(directory / "receipt.json", *CHECK, "expires", value="2035-06-01T12:10:00+00:00")
    (difference,) = replay(directory, SUITE, CHECKS, POLICY)
    assert difference.subject == "is_dry"


def test_a_check_that_was_struck_from_a_receipt_is_found(directory: Path) -> None:
    content = json.loads((directory / "receipt.json").read_text())
    del content["predicate"]["checks"][2]
    (directory / "receipt.json").write_text(json.dumps(content))
    (difference,) = replay(directory, SUITE, CHECKS, POLICY)
    assert difference.sentence == "is_calm: the receipt says nothing, judging again says pass (passed: waves of 3 m)"


def test_a_gate_that_closes_when_judged_again_is_found(tmp_path: Path) -> None:
    context, demanding = context_of(), replace(POLICY, required=("is_dry", "swims"))
    receipt = receipt_of(context)
    policy = replace(receipt.policy, digest=replace(receipt.policy.digest, sha256=demanding.digest))
    write_receipt(tmp_path, replace(receipt, policy=policy), context)
    (difference,) = replay(tmp_path, SUITE, CHECKS, demanding)
    assert difference.sentence == "closed when judged again: swims: did not run, and is required"


def test_stored_facts_that_are_no_facts_are_one_message(directory: Path) -> None:
    (directory / "facts.json").write_text('{"weather": 3}')
    with pytest.raises(ReceiptError, match="expected a schema with a value or a reason, found 3"):
        replay(directory, SUITE, CHECKS, POLICY)


def test_a_revoked_receipt_is_set_aside_and_not_lost(directory: Path) -> None:
    assert revoke_receipt(directory)
    with pytest.raises(ReceiptError):
        read_receipt(directory)
    assert (directory / "receipt.revoked.json").exists()
    assert not revoke_receipt(directory)


def test_a_receipt_that_cannot_be_revoked_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReceiptError, match="cannot be revoked: Not a directory"):
        revoke_receipt(tmp_path / "file")


def test_a_fact_observed_at_no_time_that_can_be_read_is_one_message() -> None:
    facts = Facts({**seen(), "weather": replace(seen()["weather"], observed_at="at noon")})
    with pytest.raises(ReceiptError, match="expected a time, found 'at noon'"):
        receipt_of(context_of(facts))


def test_time_now_is_compared_across_zones(directory: Path) -> None:
    later = datetime.fromisoformat("2025-06-01T14:09:00+02:00")
    assert differences(read_receipt(directory), SUBJECTS, later) == ()
