from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envcheck.core import Entry, Facts, Json, Unseen
from envcheck.errors import ParityError
from envcheck.parity import MAY_DIFFER, changes, compare, fingerprint, leaves
from envcheck.suites import FACTS
from tests.envcheck.toy_facts import Sea, Weather

HERE = Facts.of(Weather(celsius=21.5, rain=False), Sea(metres=3))
THERE = Facts.of(Weather(celsius=30.0, rain=False), Sea(metres=3))
ALLOWED = {"weather.celsius": "it is warmer there"}


def one_fact(value: Json, schema: int = 1) -> Facts:
    return Facts({"thing": Entry(schema=schema, value=value)})


def differing(one: Json, other: Json, may_differ: Mapping[str, str] | None = None) -> dict[str, tuple[str, ...]]:
    rows = compare({"a": one_fact(one), "b": one_fact(other)}, may_differ=may_differ or {}).rows
    return {row.field: tuple(row.values.values()) for row in rows}


def test_equal_places_are_equal_and_say_in_how_much() -> None:
    parity = compare({"a": HERE, "b": HERE}, may_differ={})
    assert (parity.equal, parity.same, parity.rows) == (True, 3, ())


def test_a_field_that_differs_is_a_row_with_both_values() -> None:
    parity = compare({"a": HERE, "b": THERE}, may_differ={})
    (row,) = parity.rows
    assert (row.fact, row.field, row.values, row.allowed) == ("weather", "celsius", {"a": "21.5", "b": "30.0"}, None)
    assert not parity.equal


def test_a_field_that_may_differ_is_a_row_with_the_reason() -> None:
    parity = compare({"a": HERE, "b": THERE}, may_differ=ALLOWED)
    assert parity.rows[0].allowed == "it is warmer there"
    assert parity.equal


def test_three_places_are_compared_at_once() -> None:
    (row,) = compare({"a": HERE, "b": THERE, "c": HERE}, may_differ={}).rows
    assert row.values == {"a": "21.5", "b": "30.0", "c": "21.5"}


def test_one_place_has_no_parity() -> None:
    with pytest.raises(ParityError, match="two places or more, found 1"):
        compare({"a": HERE})


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        (None, "(not observed)"),
        (Entry(schema=1, value=Unseen(reason="fog")), "(unseen) fog"),
        (Entry(schema=2, value={"metres": 3}), "seen, schema 2"),
    ],
)
def test_a_fact_that_was_not_seen_alike_everywhere_is_one_difference(entry: Entry | None, shown: str) -> None:
    there = Facts({"weather": HERE["weather"], **({"sea": entry} if entry else {})})
    (row,) = compare({"a": HERE, "b": there}, may_differ={}).rows
    assert (row.fact, row.field, row.values) == ("sea", "", {"a": "seen, schema 1", "b": shown})


def test_places_where_nothing_could_be_seen_are_not_equal() -> None:
    blind = Facts({"sea": Entry(schema=1, value=Unseen(reason="fog"))})
    assert not compare({"a": blind, "b": blind}, may_differ={}).equal
    assert not compare({"a": Facts({}), "b": Facts({})}, may_differ={}).equal


def test_a_list_of_named_things_is_compared_by_name() -> None:
    one: Json = {"items": [{"name": "a", "size": 1}, {"name": "b", "size": 2}]}
    other: Json = {"items": [{"name": "b", "size": 3}]}
    assert differing(one, other) == {
        "items[a].name": ("a", "(absent)"),
        "items[a].size": ("1", "(absent)"),
        "items[b].size": ("2", "3"),
    }


def test_a_list_of_anything_else_is_compared_as_a_whole() -> None:
    assert differing({"items": [1, 2]}, {"items": [1, 3]}) == {"items": ("[1, 2]", "[1, 3]")}
    same_name = [{"name": "a"}, {"name": "a"}]
    assert list(differing({"items": same_name}, {"items": [*same_name, {"name": "a"}]})) == ["items"]


def test_one_and_true_and_one_point_zero_differ() -> None:
    assert differing({"a": 1, "b": 1}, {"a": True, "b": 1.0}) == {"a": ("1", "true"), "b": ("1", "1.0")}


def test_long_values_are_clipped() -> None:
    ((value, _),) = differing({"a": "x" * 500}, {"a": "y"}).values()
    assert len(value) == 80


@pytest.mark.parametrize("place", ["thing", "thing.items", "thing.items[].size"])
def test_a_reason_covers_a_fact_a_field_or_a_field_of_every_item(place: str) -> None:
    named = {size: one_fact({"items": [{"name": "a", "size": size}]}) for size in ("1", "2")}
    (row,) = compare(named, may_differ={place: "why not"}).rows
    assert row.allowed == "why not"


def test_a_reason_for_one_field_covers_no_field_that_begins_like_it() -> None:
    (row,) = compare({"a": one_fact({"size": 1}), "b": one_fact({"size": 2})}, may_differ={"thing.si": "no"}).rows
    assert row.allowed is None


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "name"]), inner, max_size=3),
    max_leaves=6,
)


@given(one=values, other=values, may_differ=st.sampled_from([{}, {"thing.a": "why not"}, {"thing": "why not"}]))
def test_places_have_one_fingerprint_exactly_when_nothing_differs_that_may_not(
    one: Json, other: Json, may_differ: dict[str, str]
) -> None:
    here, there = one_fact(one), one_fact(other)
    rows = compare({"a": here, "b": there}, may_differ=may_differ).rows
    same = fingerprint(here, may_differ=may_differ) == fingerprint(there, may_differ=may_differ)
    assert same == all(row.allowed for row in rows)


def test_a_fact_that_was_not_seen_has_a_fingerprint_of_its_own() -> None:
    blind = Facts({"sea": Entry(schema=1, value=Unseen(reason="fog"))})
    assert fingerprint(blind) != fingerprint(Facts.of(Sea(metres=3)))


def test_changes_are_sentences_about_what_both_hold() -> None:
    was = Facts({**HERE, "only_then": Entry(schema=1, value=1)})
    assert changes(was, THERE) == ("weather.celsius: was 21.5, is 30.0",)


def test_the_text_shows_what_differs_then_what_may_and_the_verdict_last() -> None:
    there = Facts.of(Weather(celsius=30.0, rain=True), Sea(metres=3))
    text = compare({"local": HERE, "image": there}, may_differ=ALLOWED).text()
    assert text == (
        "differs\n"
        "  weather.rain\n"
        "    local  false\n"
        "    image  true\n"
        "\n"
        "may differ\n"
        "  weather.celsius  (it is warmer there)\n"
        "    local  21.5\n"
        "    image  30.0\n"
        "\n"
        "DIFFERENT  1 same, 1 different, 1 allowed to differ (local, image)\n"
    )


def test_the_text_of_equal_places_is_the_verdict() -> None:
    assert compare({"a": HERE, "b": HERE}).text() == "EQUAL  3 same, 0 different, 0 allowed to differ (a, b)\n"


def test_the_json_says_the_same() -> None:
    content = compare({"a": HERE, "b": THERE}, may_differ=ALLOWED).to_json()
    assert content == {
        "schema_version": 1,
        "equal": True,
        "same": 2,
        "names": ["a", "b"],
        "rows": [
            {
                "fact": "weather",
                "field": "celsius",
                "values": {"a": "21.5", "b": "30.0"},
                "allowed": "it is warmer there",
            }
        ],
    }


def test_a_bare_value_is_its_own_leaf() -> None:
    assert list(leaves(3)) == [("", 3)]
    assert list(leaves({"a": {}})) == [("a", {})]


@pytest.mark.parametrize("place", MAY_DIFFER)
def test_every_field_that_may_differ_exists(place: str) -> None:
    key, *path = place.replace("[]", ".[]").split(".")
    kind: typing.Any = FACTS[key]
    for name in path:
        kind = _item_of(kind) if name == "[]" else typing.get_type_hints(kind)[name]
    assert kind is not None


def _item_of(kind: typing.Any) -> typing.Any:
    item = typing.get_args(kind)[0]
    assert dataclasses.is_dataclass(item)
    assert not isinstance(item, types.UnionType)
    return item
