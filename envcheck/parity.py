"""Whether two or more places are the same, field by field, but for a closed list of fields that may differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from envcheck.core import Entry, Facts, Json, Unseen, digest_json, encode
from envcheck.errors import ParityError

SCHEMA_VERSION = 1
MAX_SHOWN = 80

_FOLDERS = "every place has folders of its own"
_HARDWARE = "another machine; the checks of the machine judge what it needs"
_INSTALLER = "pip and uv install one wheel with other files of their own; `wheel` identifies it"
_DEVICES = "an image is built without a GPU; the checks of the device judge it where it is"
MAY_DIFFER: Mapping[str, str] = {
    "cuda_driver": _DEVICES,
    "machine.available_memory_bytes": _HARDWARE,
    "machine.cpu": _HARDWARE,
    "machine.disks": _HARDWARE,
    "machine.glibc": "another distribution; the check `glibc_floor` judges it",
    "machine.kernel": _HARDWARE,
    "machine.logical_cores": _HARDWARE,
    "machine.memory_bytes": _HARDWARE,
    "machine.shared_memory_bytes": _HARDWARE,
    "machine.system": "another distribution; all that runs on it is in the lock",
    "machine.usable_cores": _HARDWARE,
    "package_bytecode.files": "what has not been imported yet has no bytecode",
    "package_files.files": _INSTALLER,
    "package_hashes.bytes": _INSTALLER,
    "package_hashes.files": _INSTALLER,
    "packages.packages[].files": _INSTALLER,
    "packages.packages[].installer": _INSTALLER,
    "packages.packages[].location": _FOLDERS,
    "python_build.base_prefix": _FOLDERS,
    "python_build.executable": _FOLDERS,
    "python_build.prefix": _FOLDERS,
    "python_build.system_site_packages": "an image may be one environment as a whole",
    "python_build.virtual_environment": "an image may be one environment as a whole",
    "shadowing.path": _FOLDERS,
    "torch_runtime.cuda_available": _DEVICES,
    "torch_runtime.cuda_warnings": _DEVICES,
    "torch_runtime.devices": _DEVICES,
    "torch_runtime.interop_threads": _HARDWARE,
    "torch_runtime.threads": _HARDWARE,
}
"""Fields of envcheck's facts that may differ between places of one environment, and why; `[]` is any item of a list."""


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

    def to_json(self) -> dict[str, Json]:
        content = {"equal": self.equal, "same": self.same, "names": encode(self.names), "rows": encode(self.rows)}
        return {"schema_version": SCHEMA_VERSION, **content}

    def text(self) -> str:
        """For people: what differs, what may differ with the reason, the verdict last."""
        wrong = [row for row in self.rows if row.allowed is None]
        allowed = [row for row in self.rows if row.allowed is not None]
        blocks = [_block("differs", wrong), _block("may differ", allowed)]
        counts = f"{self.same} same, {len(wrong)} different, {len(allowed)} allowed to differ"
        verdict = f"{'EQUAL' if self.equal else 'DIFFERENT'}  {counts} ({', '.join(self.names)})\n"
        return "\n".join([*filter(None, blocks), verdict])


def compare(named: Mapping[str, Facts], *, may_differ: Mapping[str, str] = MAY_DIFFER) -> Parity:
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


def fingerprint(facts: Facts, *, may_differ: Mapping[str, str] = MAY_DIFFER) -> str:
    """SHA-256 of every field that may not differ. Places that were wholly seen are equal exactly when theirs is."""
    fields: dict[str, Json] = {}
    for key, entry in facts.items():
        seen = {"": {"unseen": entry.value.reason}} if isinstance(entry.value, Unseen) else dict(leaves(entry.value))
        fields |= {_join(key, path): value for path, value in seen.items()}
    return digest_json({path: value for path, value in fields.items() if _reason(path, may_differ) is None})


def _compare_fact(key: str, entries: Mapping[str, Entry | None]) -> tuple[int, dict[str, dict[str, str]]]:
    """How many fields agree, and the values of each that does not."""
    values = {name: entry.value for name, entry in entries.items() if entry and not isinstance(entry.value, Unseen)}
    if len(values) < len(entries) or len({entry.schema for entry in entries.values() if entry}) > 1:
        return 0, {"": {name: _state(entry) for name, entry in entries.items()}}
    places = {name: {path: _canonical(leaf) for path, leaf in leaves(value)} for name, value in values.items()}
    paths = sorted({path for fields in places.values() for path in fields})
    by_path = {path: {name: fields.get(path) for name, fields in places.items()} for path in paths}
    differing = {path: values for path, values in by_path.items() if len(set(values.values())) > 1}
    shown = {
        path: {name: "(absent)" if text is None else _shown(text) for name, text in texts.items()}
        for path, texts in differing.items()
    }
    return len(paths) - len(shown), shown


def _block(heading: str, rows: Sequence[Row]) -> str:
    lines = [heading] if rows else []
    for row in rows:
        lines.append(f"  {_join(row.fact, row.field)}" + (f"  ({row.allowed})" if row.allowed else ""))
        width = max(map(len, row.values))
        lines += [f"    {name:{width}}  {value}" for name, value in row.values.items()]
    return "".join(f"{line}\n" for line in lines)


def _state(entry: Entry | None) -> str:
    if entry is None:
        return "(not observed)"
    return f"(unseen) {entry.value.reason}" if isinstance(entry.value, Unseen) else f"seen, schema {entry.schema}"


def leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """The leaves of a value by path. A list of named things is compared by name, any other list as a whole."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, _join(path, key))
    elif names := _names(value):
        assert isinstance(value, list | tuple)
        for name, item in zip(names, value, strict=True):
            yield from leaves(item, f"{path}[{name}]")
    else:
        yield path, value


def _names(value: Json) -> list[str]:
    """The names of the things in a list; empty when it is no list of things with a name each."""
    if not isinstance(value, list | tuple):
        return []
    names = [item["name"] for item in value if isinstance(item, Mapping) and isinstance(item.get("name"), str)]
    return [str(name) for name in names] if len(set(names)) == len(value) else []


def _reason(path: str, may_differ: Mapping[str, str]) -> str | None:
    """Why this field, or what it is part of, may differ."""
    path = re.sub(r"\[[^\]]*\]", "[]", path)
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
