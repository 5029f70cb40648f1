from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envcheck.core import (
    Entry,
    Expectations,
    Fact,
    Facts,
    Json,
    NotSeen,
    Record,
    SchemaMismatch,
    Suite,
    Tier,
    Unseen,
    decode,
    digest_json,
    encode,
)
from tests.envcheck.toy_facts import Sea, Weather
from tests.envcheck.toy_suite import SUITE, ExpectedGreeting


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing(Record):
    key: ClassVar[str] = "thing"

    color: Color
    side: Literal["left", "right"]
    weight: float
    heavy: bool
    parts: tuple[Part, ...]
    box: tuple[int, int]
    by_name: dict[str, Part]


parts = st.builds(Part, name=st.text(), size=st.none() | st.integers())
things = st.builds(
    Thing,
    color=st.sampled_from(Color),
    side=st.sampled_from(["left", "right"]),
    weight=st.floats(allow_nan=False, allow_infinity=False),
    heavy=st.booleans(),
    parts=st.lists(parts, max_size=3).map(tuple),
    box=st.tuples(st.integers(), st.integers()),
    by_name=st.dictionaries(st.text(), parts, max_size=3),
)
THING = Thing(color=Color.RED, side="left", weight=1.5, heavy=False, parts=(), box=(1, 2), by_name={})


@given(things)
def test_a_record_comes_back_from_json_as_it_was(thing: Thing) -> None:
    assert decode(Thing, encode(thing)) == thing


def changed(**fields: Json) -> dict[str, Json]:
    stored = encode(THING)
    assert isinstance(stored, dict)
    return {**stored, **fields}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("side", "top"),
        ("color", "green"),
        ("weight", "1.5"),
        ("weight", True),
        ("heavy", 1),
        ("parts", "abc"),
        ("parts", [{"name": "lid", "size": "big"}]),
        ("box", [1, 2, 3]),
        ("by_name", {"lid": None}),
    ],
)
def test_a_value_that_does_not_fit_is_named_by_its_place(field: str, value: Json) -> None:
    with pytest.raises(SchemaMismatch, match=rf"^thing\.{field}"):
        decode(Thing, changed(**{field: value}))


def test_an_integer_serves_as_a_float() -> None:
    assert decode(Thing, changed(weight=2)).weight == 2.0


def test_a_missing_field_and_an_unknown_one_are_both_named() -> None:
    stored = {name: value for name, value in changed(extra=1).items() if name != "color"}
    with pytest.raises(SchemaMismatch, match="color, extra"):
        decode(Thing, stored)


def test_what_json_cannot_say_is_no_value() -> None:
    with pytest.raises(TypeError, match="set is not a JSON value"):
        encode({"a": {1, 2}})


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
    assert digest_json({"a": 1, "b": 2}) != digest_json({"a": 2, "b": 1})


def test_a_name_that_is_not_utf8_has_a_digest() -> None:
    assert digest_json("caf\udce9") != digest_json("caf\udce8")


def test_each_tier_includes_the_ones_before_it() -> None:
    assert [tier for tier in Tier if Tier.STANDARD.includes(tier)] == [Tier.QUICK, Tier.STANDARD]


def test_a_fact_is_found_by_its_type_and_its_entry_by_its_key() -> None:
    facts = Facts.of(Weather(celsius=1.0, rain=True))
    assert facts[Weather].rain
    assert facts["weather"].ttl_seconds == 600.0
    assert (list(facts), len(facts)) == (["weather"], 1)


def test_what_was_not_observed_is_not_seen() -> None:
    with pytest.raises(NotSeen, match="weather was not observed"):
        Facts({})[Weather]


def test_what_was_not_stated_is_not_seen() -> None:
    with pytest.raises(NotSeen, match="greeting was not stated"):
        Expectations({})[ExpectedGreeting]


def test_an_unseen_fact_gives_its_reason() -> None:
    facts = Facts({"weather": Entry(schema=1, value=Unseen(reason="fog"))})
    with pytest.raises(NotSeen, match="weather: fog"):
        facts[Weather]


def test_a_fact_of_another_schema_is_not_read() -> None:
    facts = Facts({"weather": Entry(schema=2, value={"celsius": 1.0, "rain": True})})
    with pytest.raises(SchemaMismatch, match="weather has schema 2, this version reads 1"):
        facts[Weather]


def test_tracing_notes_what_was_asked_for_even_when_it_is_absent() -> None:
    reads: set[str] = set()
    facts = Facts.of(Weather(celsius=1.0, rain=True)).tracing(reads)
    facts[Weather]
    with pytest.raises(NotSeen):
        facts[Sea]
    assert reads == {"weather", "sea"}


def test_records_are_added_to_a_copy() -> None:
    empty = Facts({})
    assert empty.with_records(Sea(metres=2))[Sea].metres == 2
    assert Facts({**empty, **Facts.of(Sea(metres=3))})[Sea].metres == 3
    assert not empty


def test_facts_come_back_from_json_with_values_and_reasons() -> None:
    facts = Facts({**Facts.of(Weather(celsius=1.0, rain=True)), "sea": Entry(schema=1, value=Unseen(reason="fog"))})
    assert Facts.from_json(facts.to_json()) == facts


def test_a_stored_fact_may_leave_out_when_and_how_long() -> None:
    entry = Entry.from_json({"schema": 1, "value": 3})
    assert entry == Entry(schema=1, value=3)


@pytest.mark.parametrize(
    "stored",
    [[], {"weather": 3}, {"weather": {"value": 3}}, {"weather": {"schema": 1}}]
    + [{"weather": {"schema": 1, "value": 3, name: "x"}} for name in ("seconds", "ttl_seconds")],
)
def test_stored_facts_of_another_shape_are_refused(stored: Json) -> None:
    with pytest.raises(SchemaMismatch):
        Facts.from_json(stored)


def test_the_digest_of_facts_knows_what_was_seen_and_not_when() -> None:
    fact = Weather(celsius=1.0, rain=True)
    slow = Facts({"weather": Entry.of(fact, seconds=9.0, observed_at="2025-01-01")})
    assert slow.digest() == Facts.of(fact).digest()
    assert slow.digest() != Facts.of(Weather(celsius=1.0, rain=False)).digest()
    assert slow.digest() != Facts({"weather": Entry(schema=1, value=Unseen(reason="fog"))}).digest()


def test_a_suite_gives_what_its_tier_includes() -> None:
    assert [request.fact.key for request in SUITE.requests_at(Tier.STANDARD)] == ["weather", "greeting"]
    assert SUITE.checks_at(Tier.QUICK) == ("is_dry",)
    assert Suite(name="empty", requests=(), checks={}).checks_at(Tier.DEEP) == ()


def test_a_fact_without_observe_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Fact cannot be observed"):
        Fact.observe()
