"""The nouns: facts, checks, findings, suites, reports, decisions. Imports nothing of ours and does no I/O.

A fact is observed where the world is; a check is a pure function of facts and expectations. Both kinds of record are
frozen dataclasses of JSON values, so that they travel between machines and can be judged again.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

Json: TypeAlias = "None | bool | int | float | str | Sequence[Json] | Mapping[str, Json]"

R = TypeVar("R", bound="Record")


class Verdict(StrEnum):
    """What a check says. *Could not check* is never *passed*."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Tier(StrEnum):
    """How deep to look: quick needs neither torch nor GPU, standard imports what will run, deep runs full shapes."""

    QUICK = "quick"
    STANDARD = "standard"
    DEEP = "deep"

    def includes(self, other: Tier) -> bool:
        return list(Tier).index(other) <= list(Tier).index(self)


class Standing(StrEnum):
    """Where a check stands once a policy was asked: ABSENT is required and did not run, WARNED is not required."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    WARNED = "warned"
    WAIVED = "waived"


class NotSeen(Exception):
    """A check touched something that was not observed or not stated; the judge turns it into UNKNOWN."""


class SchemaMismatch(NotSeen):
    """A stored record does not have the shape that this version of its type has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A frozen dataclass of JSON values that can be stored, found by type and read back.

    Fields may be scalars, `X | None`, `StrEnum`, `Literal`, nested dataclasses, `tuple[X, ...]` and `dict[str, X]`.
    """

    key: ClassVar[str]
    schema: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Record):
    """Something seen. Subclasses state `key` and implement `observe`, which runs in a child process.

    "Not installed" is a value, not an error. No secret, user name or home path ever enters a fact.
    """

    tier: ClassVar[Tier] = Tier.QUICK
    timeout_seconds: ClassVar[float] = 20.0
    ttl_seconds: ClassVar[float | None] = None
    """How long the fact may be relied on; None: until a digest that depends on it changes."""
    alone: ClassVar[bool] = False
    """Looked at after the others and with none beside it: it times a card, or asks who else is on it."""

    @classmethod
    def observe(cls, *arguments: Any, **parameters: Any) -> Self:
        """Look, using the standard library until the thing to look at is imported; parameters are JSON, by name."""
        raise NotImplementedError(f"{cls.__name__} cannot be observed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation(Record):
    """Something stated beforehand, by a policy, a lockfile or a run's configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Stands in `Facts` where looking failed or timed out."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stored record: its JSON value or why it is missing, and what observing it took."""

    schema: int
    value: Json | Unseen
    seconds: float = 0.0
    observed_at: str = ""
    ttl_seconds: float | None = None

    @classmethod
    def of(cls, record: Record, *, seconds: float = 0.0, observed_at: str = "") -> Entry:
        ttl = record.ttl_seconds if isinstance(record, Fact) else None
        value = encode(record)
        return cls(schema=record.schema, value=value, seconds=seconds, observed_at=observed_at, ttl_seconds=ttl)

    def seen(self) -> dict[str, Json]:
        return {"unseen": self.value.reason} if isinstance(self.value, Unseen) else {"value": self.value}

    def to_json(self) -> dict[str, Json]:
        return {
            "schema": self.schema,
            "seconds": round(self.seconds, 4),
            "observed_at": self.observed_at,
            "ttl_seconds": self.ttl_seconds,
            **self.seen(),
        }

    @classmethod
    def from_json(cls, stored: Json) -> Entry:
        match stored:
            case {"schema": int(schema), "unseen": str(reason), **rest}:
                value: Json | Unseen = Unseen(reason=reason)
            case {"schema": int(schema), "value": seen, **rest}:
                value = seen
            case _:
                raise SchemaMismatch(f"expected a schema with a value or a reason, found {str(stored)[:80]}")
        about = {"seconds": 0.0, "observed_at": "", "ttl_seconds": None, **rest}
        kinds: dict[str, Any] = {"seconds": float, "observed_at": str, "ttl_seconds": float | None}
        return cls(schema=schema, value=value, **{name: _decode(kinds[name], about[name], name) for name in kinds})


class Records(Mapping[str, Entry]):
    """A read-only map of records: by key the stored entry, by type the typed record; `NotSeen` where there is none."""

    def __init__(self, entries: Mapping[str, Entry], reads: set[str] | None = None) -> None:
        self._entries = dict(entries)
        self._reads = reads
        self._decoded: dict[type[Record], Record] = {}  # 6,499 recordings take 0.2 s, and every check asks

    @classmethod
    def of(cls, *records: Record) -> Self:
        return cls({record.key: Entry.of(record) for record in records})

    def tracing(self, reads: set[str]) -> Self:
        """The same map, noting in `reads` the key of every typed record that is asked for."""
        traced = type(self)(self._entries, reads)
        traced._decoded = self._decoded
        return traced

    _verb: ClassVar[str] = "stated"

    @typing.overload
    def __getitem__(self, key: str) -> Entry: ...
    @typing.overload
    def __getitem__(self, key: type[R]) -> R: ...
    def __getitem__(self, key: str | type[R]) -> Entry | R:
        if isinstance(key, str):
            return self._entries[key]
        if self._reads is not None:
            self._reads.add(key.key)
        entry = self._entries.get(key.key)
        if entry is None:
            raise NotSeen(f"{key.key} was not {self._verb}")
        if isinstance(entry.value, Unseen):
            raise NotSeen(f"{key.key}: {entry.value.reason}")
        if entry.schema != key.schema:
            raise SchemaMismatch(f"{key.key} has schema {entry.schema}, this version reads {key.schema}")
        if key not in self._decoded:
            self._decoded[key] = decode(key, entry.value)
        return typing.cast(R, self._decoded[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def with_records(self, *records: Record) -> Self:
        return type(self)({**self._entries, **{record.key: Entry.of(record) for record in records}})

    def to_json(self) -> dict[str, Json]:
        return {key: self._entries[key].to_json() for key in sorted(self._entries)}

    @classmethod
    def from_json(cls, stored: Json) -> Self:
        if isinstance(stored, Mapping):
            return cls({key: Entry.from_json(value) for key, value in stored.items()})
        raise SchemaMismatch(f"expected an object of records, found {type(stored).__name__}")

    def digest(self) -> str:
        """SHA-256 of what was seen, without when or how long: the fingerprint of a place."""
        return digest_json({key: entry.seen() for key, entry in self._entries.items()})


class Facts(Records):
    """What was observed."""

    _verb = "observed"


class Expectations(Records):
    """What was stated beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that a check may know."""

    facts: Facts
    expect: Expectations


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing found beside what was expected of it."""

    subject: str
    found: str
    expected: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check concluded: one sentence, the evidence, and a command that mends it."""

    verdict: Verdict
    summary: str
    evidence: tuple[Evidence, ...] = ()
    remedy: str = ""

    @classmethod
    def passed(cls, summary: str, *evidence: Evidence) -> Finding:
        return cls(verdict=Verdict.PASS, summary=summary, evidence=evidence)

    @classmethod
    def failed(cls, summary: str, *evidence: Evidence, remedy: str) -> Finding:
        return cls(verdict=Verdict.FAIL, summary=summary, evidence=evidence, remedy=remedy)

    @classmethod
    def unknown(cls, summary: str, *evidence: Evidence, remedy: str) -> Finding:
        return cls(verdict=Verdict.UNKNOWN, summary=summary, evidence=evidence, remedy=remedy)


Check: TypeAlias = Callable[[Context], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A fact to observe, with JSON parameters. While the facts in `fixed_by` stay, so does what it would see."""

    fact: type[Fact]
    parameters: Mapping[str, Json] = field(default_factory=dict)
    fixed_by: tuple[type[Fact], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The facts and checks of one occasion. What does not apply to the occasion is not in it.

    `checks` gives the tier from which each runs; `not_covered`, shown in every report, what nothing here vouches for.
    """

    name: str
    requests: tuple[Request, ...]
    checks: Mapping[str, Tier]
    not_covered: tuple[str, ...] = ()

    def requests_at(self, tier: Tier) -> tuple[Request, ...]:
        return tuple(request for request in self.requests if tier.includes(request.fact.tier))

    def checks_at(self, tier: Tier) -> tuple[str, ...]:
        return tuple(name for name, needed in self.checks.items() if tier.includes(needed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding, the keys it read (`expect.<key>` for an expectation), and what observing and judging took."""

    check: str
    finding: Finding
    seconds: float = 0.0
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All findings of one judgement."""

    suite: str
    tier: Tier
    partial: bool
    results: tuple[Judged, ...]
    not_checked: tuple[str, ...]
    facts_digest: str
    expect_digest: str
    observe_seconds: float = 0.0
    judged_at: str = ""
    seen_earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Open or closed, in sentences for people; `standings` says the same of each check. FAIL and UNKNOWN both close."""

    verdict: Verdict
    open: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    standings: Mapping[str, Standing] = field(default_factory=dict)


def encode(value: Any) -> Json:
    """A record as JSON values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: encode(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def decode(kind: type[R], value: Json) -> R:
    """The record that `encode` turned into `value`; `SchemaMismatch` names the place where it does not fit."""
    return typing.cast(R, _decode(kind, value, kind.key))


def _decode(kind: Any, value: Any, where: str) -> Any:
    if type(value) is kind:
        return value
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        return _decode(next(argument for argument in arguments if argument is not type(None)), value, where)
    if origin is typing.Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        return _decode_tuple(arguments, value, where)
    if origin in (dict, Mapping) and isinstance(value, Mapping):
        return {key: _decode(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(kind, type):
        if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
            return _decode_dataclass(kind, value, where)
        if issubclass(kind, StrEnum) and value in list(kind):
            return kind(value)
        if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    raise SchemaMismatch(f"{where}: expected {kind}, found {str(value)[:60]!r}")


def _decode_tuple(kinds: Sequence[Any], value: Sequence[Any], where: str) -> tuple[Any, ...]:
    if kinds[-1] is Ellipsis:
        return tuple(_decode(kinds[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if len(kinds) != len(value):
        raise SchemaMismatch(f"{where}: expected {len(kinds)} items, found {len(value)}")
    return tuple(_decode(kind, item, where) for kind, item in zip(kinds, value, strict=True))


def _decode_dataclass(kind: type, value: Mapping[str, Json], where: str) -> Any:
    hints = _fields(kind)
    if hints.keys() != value.keys():
        raise SchemaMismatch(f"{where}: missing or unknown fields: {', '.join(sorted(hints.keys() ^ value.keys()))}")
    return kind(**{name: _decode(hint, value[name], f"{where}.{name}") for name, hint in hints.items()})


@functools.cache
def _fields(kind: type) -> dict[str, Any]:
    """Resolving annotations costs 50 us; a corpus of 6,499 recordings asks 20,000 times."""
    hints = typing.get_type_hints(kind)
    return {item.name: hints[item.name] for item in dataclasses.fields(kind)}


def digest_json(value: Json) -> str:
    """SHA-256 of the canonical JSON text of `value`; a file name that is not UTF-8 comes as lone surrogates."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
