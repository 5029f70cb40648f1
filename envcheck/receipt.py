"""A receipt: an in-toto Statement that these subjects, by digest, passed these checks at this time.

It is made only from a whole report and an open decision, and lies beside the facts and expectations that it was
judged from, so that anybody can judge them again. It is bound by digests and not signed: it proves to its owner what
was looked at, not to a stranger who looked.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, ClassVar

import envcheck
from envcheck.core import (
    Check,
    Context,
    Decision,
    Expectations,
    Facts,
    Json,
    Judged,
    Record,
    Report,
    SchemaMismatch,
    Standing,
    Suite,
    Tier,
    Verdict,
    decode,
    encode,
)
from envcheck.errors import FileUnusable, ReceiptError
from envcheck.gate import decide
from envcheck.judge import Selection, judge
from envcheck.policy import Policy
from envcheck.storage import read_json, write_json, write_text

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:envcheck:preflight:v1"
RECEIPT, FACTS, EXPECT = "receipt.json", "facts.json", "expect.json"
REVOKED = "receipt.revoked.json"
AGAIN = "run the preflight again"
CLOCK_SECONDS = 120.0
"""How far two machines' clocks may differ before a receipt counts as made in the future."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A DigestSet of in-toto with the one algorithm used here."""

    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Who judged."""

    id: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReference:
    """What it was judged by."""

    name: str
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """One check that ran; what it said holds until `expires` (None: until a subject changes)."""

    name: str
    verdict: Verdict
    standing: Standing
    seconds: float
    expires: str | None
    summary: str
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRecord:
    """An excuse that was in force."""

    check: str
    reason: str
    owner: str
    expires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Record):
    """`subjects` maps a name (lockfile, plan, code, ...) to its SHA-256 in hex; the rest is the predicate."""

    key: ClassVar[str] = "receipt"

    subjects: dict[str, str]
    verifier: Verifier
    time_verified: str
    policy: PolicyReference
    suite: str
    tier: Tier
    verification_result: str
    checks: tuple[CheckRecord, ...]
    facts: Digest
    expect: Digest
    waivers: tuple[WaiverRecord, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Why a receipt does not vouch for what is here now: the subject or check, a sentence, what to do."""

    subject: str
    sentence: str
    remedy: str


def make_receipt(
    report: Report, decision: Decision, policy: Policy, subjects: Mapping[str, str], facts: Facts
) -> Receipt:
    """The receipt of an open decision; `ReceiptError` for a closed or partial one, or one about nothing."""
    if report.partial or not decision.open:
        state = "partial" if report.partial else "closed"
        raise ReceiptError(f"no receipt comes from a {state} report: {'; '.join(decision.reasons)}")
    if not subjects:
        raise ReceiptError("a receipt needs subjects, each with a SHA-256; found none")
    for name, digest in subjects.items():
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ReceiptError(f"subject '{name}': expected a SHA-256 in hex, found {digest!r}")
    if facts.digest() != report.facts_digest:
        raise ReceiptError("these facts are not the ones that were judged")
    return Receipt(
        subjects=dict(subjects),
        verifier=Verifier(id="envcheck", version=envcheck.__version__),
        time_verified=report.judged_at,
        policy=PolicyReference(name=policy.name, digest=Digest(sha256=policy.digest)),
        suite=report.suite,
        tier=report.tier,
        verification_result="PASSED",
        checks=tuple(_record(result, decision, policy, facts, report.judged_at) for result in report.results),
        facts=Digest(sha256=report.facts_digest),
        expect=Digest(sha256=report.expect_digest),
        waivers=tuple(
            WaiverRecord(check=w.check, reason=w.reason, owner=w.owner, expires=w.expires.isoformat())
            for w in policy.waivers
        ),
        warnings=decision.warnings,
    )


def write_receipt(
    directory: Path, receipt: Receipt, context: Context, *, texts: Mapping[str, str] | None = None
) -> Path:
    """Write the receipt beside what it was judged from, the receipt last; `texts` are rendered reports by file name."""
    write_json(directory / FACTS, context.facts.to_json())
    write_json(directory / EXPECT, context.expect.to_json())
    for name, text in (texts or {}).items():
        write_text(directory / name, text)
    write_json(directory / RECEIPT, to_statement(receipt))
    return directory / RECEIPT


def revoke_receipt(directory: Path) -> bool:
    """Set an earlier receipt aside, under a name that nothing reads as a receipt; False where there is none."""
    try:
        (directory / RECEIPT).replace(directory / REVOKED)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ReceiptError(f"{directory / RECEIPT} cannot be revoked: {error.strerror}; delete it by hand") from error
    return True


def read_receipt(path: Path) -> Receipt:
    """The receipt in a file or in a receipt's directory; `ReceiptError` says what is there instead."""
    path = path / RECEIPT if path.is_dir() else path
    try:
        receipt = from_statement(read_json(path))
    except FileUnusable as error:
        raise ReceiptError(f"no receipt: {error}; {AGAIN}") from error
    except (SchemaMismatch, ReceiptError) as error:
        raise ReceiptError(f"{path}: not a receipt that can be used: {error}; {AGAIN}") from error
    return receipt


def to_statement(receipt: Receipt) -> dict[str, Json]:
    """The in-toto Statement; predicate fields are in its lower camel case."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in receipt.subjects.items()],
        "predicateType": PREDICATE_TYPE,
        "predicate": {camel: encode(getattr(receipt, name)) for camel, name in _predicate_fields().items()},
    }


def from_statement(statement: Mapping[str, Json]) -> Receipt:
    """The receipt in a statement; refuses another type or version, and a statement that does not vouch."""
    match statement:
        case {"_type": "https://in-toto.io/Statement/v1", "predicateType": str(kind)} if kind != PREDICATE_TYPE:
            raise ReceiptError(f"expected predicate {PREDICATE_TYPE}, found {kind[:80]!r}")
        case {"_type": "https://in-toto.io/Statement/v1", "subject": [*subjects], "predicate": {**predicate}}:
            fields: dict[str, Any] = {"subjects": dict(map(_subject, subjects))}
            names = _predicate_fields()
            fields |= {names.get(str(camel), str(camel)): value for camel, value in predicate.items()}
            receipt = decode(Receipt, fields)
        case _:
            raise ReceiptError(f"expected an in-toto Statement, found an object with {', '.join(statement)[:80]!r}")
    _refuse_inconsistent(receipt)
    return receipt


def differences(
    receipt: Receipt, subjects_now: Mapping[str, str], now: datetime, *, remedies: Mapping[str, str] | None = None
) -> tuple[Difference, ...]:
    """Everything that keeps the receipt from vouching for `subjects_now` at `now`; empty when it does.

    `remedies` gives the command that mends a subject or check, by name.
    """
    remedies = remedies or {}
    sentences = [*_changed_subjects(receipt.subjects, subjects_now), *_expired(receipt, now)]
    return tuple(
        Difference(subject=subject, sentence=sentence, remedy=remedies.get(subject, AGAIN))
        for subject, sentence in sentences
    )


def replay(directory: Path, suite: Suite, checks: Mapping[str, Check], policy: Policy) -> tuple[Difference, ...]:
    """Judge the stored facts again, under the same policy and on the day of the receipt; empty when all agrees."""
    receipt = read_receipt(directory)
    try:
        facts = Facts.from_json(read_json(directory / FACTS))
        expect = Expectations.from_json(read_json(directory / EXPECT))
    except SchemaMismatch as error:
        raise ReceiptError(f"{directory}: {error}; {AGAIN}") from error
    digests = {FACTS: facts.digest(), EXPECT: expect.digest(), "policy": policy.digest}
    stated = {FACTS: receipt.facts.sha256, EXPECT: receipt.expect.sha256, "policy": receipt.policy.digest.sha256}
    sentences = _changed_subjects(stated, digests)
    if not sentences:
        report = judge(suite, checks, Context(facts=facts, expect=expect), Selection(tier=receipt.tier))
        decision = decide(report, policy, today=_moment(receipt.time_verified).date())
        again = [_record(result, decision, policy, facts, receipt.time_verified) for result in report.results]
        sentences = _disagreements(receipt.checks, again)
        if not (decision.open or sentences):
            sentences = [("gate", f"closed when judged again: {decision.reasons[0]}")]
    return tuple(Difference(subject=name, sentence=sentence, remedy=AGAIN) for name, sentence in sentences)


def _record(result: Judged, decision: Decision, policy: Policy, facts: Facts, judged_at: str) -> CheckRecord:
    standing = decision.standings[result.check]
    ends = [_fact_ends(facts, key, judged_at) for key in result.reads if key in facts]
    if standing is Standing.WAIVED:
        ends += [_day_ends(waiver.expires) for waiver in policy.waivers if waiver.check == result.check]
    earliest = min((end for end in ends if end is not None), default=None)
    return CheckRecord(
        name=result.check,
        verdict=result.finding.verdict,
        standing=standing,
        seconds=round(result.seconds, 4),
        expires=earliest.isoformat(timespec="seconds") if earliest else None,
        summary=result.finding.summary,
        reads=result.reads,
    )


def _fact_ends(facts: Facts, key: str, judged_at: str) -> datetime | None:
    """Until when a fact may be relied on. One that does not say when it was observed has no future."""
    entry = facts[key]
    if entry.ttl_seconds is None:
        return None
    if not entry.observed_at:
        return _moment(judged_at)
    return _moment(entry.observed_at) + timedelta(seconds=entry.ttl_seconds)


def _day_ends(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ReceiptError(f"expected a time, found {text[:40]!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _predicate_fields() -> dict[str, str]:
    """The predicate's field names: as in the statement, as in `Receipt`."""
    names = [field.name for field in dataclasses.fields(Receipt) if field.name != "subjects"]
    return {re.sub(r"_(\w)", lambda match: match[1].upper(), name): name for name in names}


def _subject(subject: Json) -> tuple[str, str]:
    match subject:
        case {"name": str(name), "digest": {"sha256": str(digest)}}:
            return name, digest
    raise ReceiptError(f"expected a subject with a name and a SHA-256, found {str(subject)[:80]}")


def _refuse_inconsistent(receipt: Receipt) -> None:
    """A statement whose own checks do not add up to PASSED was never written by `make_receipt`."""
    vouching = {Standing.PASSED, Standing.WAIVED}
    standings = {check.standing for check in receipt.checks}
    if receipt.verification_result != "PASSED" or not standings & vouching or not receipt.subjects:
        raise ReceiptError(f"it vouches for nothing (result {receipt.verification_result[:20]!r})")
    for check in receipt.checks:
        if (check.standing is Standing.PASSED) != (check.verdict is Verdict.PASS) or (
            check.standing not in vouching | {Standing.WARNED}
        ):
            raise ReceiptError(f"check '{check.name}' is {check.verdict} and counted as {check.standing}")
    for moment in (receipt.time_verified, *(check.expires for check in receipt.checks if check.expires)):
        _moment(moment)


def _changed_subjects(was: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str]]:
    sentences = [(name, f"the receipt says nothing about {name}") for name in now if name not in was]
    for name, digest in was.items():
        if name not in now:
            sentences.append((name, f"{name} was part of what was checked ({digest[:12]}) and is not here now"))
        elif now[name] != digest:
            sentences.append((name, f"{name} changed since it was checked: was {digest[:12]}, is {now[name][:12]}"))
    return sentences


def _expired(receipt: Receipt, now: datetime) -> list[tuple[str, str]]:
    verified = _moment(receipt.time_verified)
    if verified > now + timedelta(seconds=CLOCK_SECONDS):
        return [("time", f"the receipt was made in the future, at {receipt.time_verified}; one clock is wrong")]
    age = _duration((now - verified).total_seconds())
    return [
        (check.name, f"{check.name} was checked {age} ago and held only until {check.expires}")
        for check in receipt.checks
        if check.expires is not None and _moment(check.expires) <= now
    ]


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _disagreements(first: Sequence[CheckRecord], again: Sequence[CheckRecord]) -> list[tuple[str, str]]:
    was, now = ({record.name: _say(record) for record in records} for records in (first, again))
    return [
        (name, f"{name}: the receipt says {was.get(name, 'nothing')}, judging again says {now.get(name, 'nothing')}")
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    ]


def _say(record: CheckRecord) -> str:
    until = f" until {record.expires}" if record.expires else ""
    return f"{record.verdict} ({record.standing}{until}: {record.summary})"
