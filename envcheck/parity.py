"""Whether two or more places are the same, field by field, but for a closed list of fields that may differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from envcheck.core import Entry, Facts, Json, Unseen, digest_json
from envcheck.errors import ParityError

MAX_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A field that differs (`field` is empty for a fact that could not be compared); `allowed` is why it may."""

    fact: str
    field: str
    values: Mapping[str, str]
    allowed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """What differs between places. Equal only when something was the same and no difference is out of order."""

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    same: int

    @property
    def equal(self) -> bool:
        return self.same > 0 and all(row.allowed is not None for row in self.rows)


def compare(named: Mapping[str, Facts], *, may_differ: Mapping[str, str]) -> Parity:
    """Compare facts by the name of their place. `may_differ` maps `fact`, `fact.field` or deeper to the reason.

    A fact that was not seen everywhere is a difference, so a place where nothing could be seen equals no other.
    """
    if len(named) < 2:
        raise ParityError(f"parity needs the facts of two places or more, found {len(named)}")
    keys = sorted({key for facts in named.values() for key in facts})
    compared = [_compare_fact(key, {name: facts.get(key) for name, facts in named.items()}) for key in keys]
    rows = tuple(
        Row(fact=key, field=path, values=values, allowed=_reason(_join(key, path), may_differ))
        for key, (_, differing) in zip(keys, compared, strict=True)
        for path, values in differing.items()
    )
    return Parity(names=tuple(named), rows=rows, same=sum(same for same, _ in compared))


def changes(was: Facts, now: Facts) -> tuple[str, ...]:
    """A sentence for every field that changed in the facts that both hold."""
    both = was.keys() & now.keys()
    places = {"was": Facts({key: was[key] for key in both}), "is": Facts({key: now[key] for key in both})}
    rows = compare(places, may_differ={}).rows
    return tuple(f"{_join(row.fact, row.field)}: was {row.values['was']}, is {row.values['is']}" for row in rows)


def fingerprint(facts: Facts, *, may_differ: Mapping[str, str]) -> str:
    """SHA-256 of every field that may not differ. Places that were wholly seen are equal exactly when theirs is."""
    fields: dict[str, Json] = {}
    for key, entry in facts.items():
        seen = {"": {"unseen": entry.value.reason}} if isinstance(entry.value, Unseen) else dict(_fields(entry.value))
        fields |= {_join(key, path): value for path, value in seen.items()}
    return digest_json({path: value for path, value in fields.items() if _reason(path, may_differ) is None})


def _compare_fact(key: str, entries: Mapping[str, Entry | None]) -> tuple[int, dict[str, dict[str, str]]]:
    """How many fields agree, and the values of each that does not."""
    values = {name: entry.value for name, entry in entries.items() if entry and not isinstance(entry.value, Unseen)}
    if len(values) < len(entries) or len({entry.schema for entry in entries.values() if entry}) > 1:
        return 0, {"": {name: _state(entry) for name, entry in entries.items()}}
    places = {name: {path: _canonical(leaf) for path, leaf in _fields(value)} for name, value in values.items()}
    paths = sorted({path for fields in places.values() for path in fields})
    by_path = {path: {name: fields.get(path) for name, fields in places.items()} for path in paths}
    differing = {path: values for path, values in by_path.items() if len(set(values.values())) > 1}
    shown = {
        path: {name: "(absent)" if text is None else _shown(text) for name, text in texts.items()}
        for path, texts in differing.items()
    }
    return len(paths) - len(shown), shown


def _state(entry: Entry | None) -> str:
    if entry is None:
        return "(not observed)"
    return f"(unseen) {entry.value.reason}" if isinstance(entry.value, Unseen) else f"seen, schema {entry.schema}"


def _fields(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """The leaves of a value by path. A list of named things is compared by name, any other list as a whole."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _fields(item, _join(path, key))
    elif names := _names(value):
        assert isinstance(value, list | tuple)
        for name, item in zip(names, value, strict=True):
            yield from _fields(item, f"{path}[{name}]")
    else:
        yield path, value


def _names(value: Json) -> list[str]:
    """The names of the things in a list; empty when it is no list of things with a name each."""
    if not isinstance(value, list | tuple):
        return []
    names = [item["name"] for item in value if isinstance(item, Mapping) and isinstance(item.get("name"), str)]
    return [str(name) for name in names] if len(set(names)) == len(value) else []


def _reason(path: str, may_differ: Mapping[str, str]) -> str | None:
    matching = (
        why for place, why in may_differ.items() if path == place or path.startswith((f"{place}.", f"{place}["))
    )
    return next(matching, None)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path and key else path or key


def _canonical(leaf: Json) -> str:
    return json.dumps(leaf, sort_keys=True, ensure_ascii=False)


def _shown(text: str) -> str:
    value = json.loads(text)
    text = value if isinstance(value, str) else text
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
