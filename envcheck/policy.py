"""What must hold, as TOML: which checks are required, what is expected, and what is excused until when.

name = "train"

[require]
checks = ["python_build", "packages_match_lock"]   # on every occasion
train = ["torch_sees_device"]                      # and these when the suite is `train`

[expect.python_build]
version = "3.11"

[[waiver]]
check = "packages_unlisted"
reason = "the profiler is installed by hand until its wheel is in the lock"
owner = "ana"
expires = 2026-03-01
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from envcheck.core import Expectation, Expectations, SchemaMismatch, decode, digest_json, encode
from envcheck.errors import FileUnusable, PolicyError, nearest

ALWAYS = "checks"
"""The key of `[require]` whose checks are required whatever the suite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A check that may fail, or go unchecked, through its last day; who says so and why."""

    check: str
    reason: str
    owner: str
    expires: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The words a policy may use. A waiver for a check in `never_waived` is refused."""

    checks: Collection[str]
    suites: Collection[str] = ()
    expectations: Mapping[str, type[Expectation]] = field(default_factory=dict)
    never_waived: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy for one suite. `digest` changes with its meaning, not with its comments or layout."""

    name: str
    required: tuple[str, ...]
    waivers: tuple[Waiver, ...] = ()
    expect: Expectations = field(default_factory=lambda: Expectations({}))

    @property
    def digest(self) -> str:
        return digest_json(
            {
                "name": self.name,
                "required": sorted(self.required),
                "waivers": [
                    [waiver.check, waiver.reason, waiver.owner, waiver.expires.isoformat()] for waiver in self.waivers
                ],
                "expect": self.expect.digest(),
            }
        )


def load_policy(path: Path, vocabulary: Vocabulary, *, suite: str) -> Policy:
    """The policy in a TOML file as it applies to one suite; `PolicyError` names the key that is wrong."""
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise FileUnusable(f"{path}: the policy cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileUnusable(f"{path}: expected TOML in UTF-8, found other bytes at offset {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{path}: not valid TOML: {error}") from error
    try:
        return parse_policy(content, vocabulary, suite=suite)
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error


def parse_policy(content: Mapping[str, Any], vocabulary: Vocabulary, *, suite: str) -> Policy:
    """The policy that parsed TOML describes, as it applies to one suite."""
    _refuse_unknown(content, ("name", "require", "expect", "waiver"), "")
    return Policy(
        name=_text(content, "name", "the policy"),
        required=_required(_table(content, "require"), vocabulary, suite),
        waivers=_waivers(content.get("waiver", []), vocabulary),
        expect=_expectations(_table(content, "expect"), vocabulary),
    )


def _required(table: Mapping[str, Any], vocabulary: Vocabulary, suite: str) -> tuple[str, ...]:
    """Every list of `[require]` is validated, also those of other suites; this suite's are returned."""
    _refuse_unknown(table, (ALWAYS, *vocabulary.suites), "require.")
    for occasion, names in table.items():
        if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            raise PolicyError(f"require.{occasion}: expected a list of checks, found {names!r}")
        for name in names:
            _known_check(name, vocabulary, f"require.{occasion}")
    return tuple(dict.fromkeys([*table.get(ALWAYS, []), *table.get(suite, [])]))


def _expectations(table: Mapping[str, Any], vocabulary: Vocabulary) -> Expectations:
    _refuse_unknown(table, vocabulary.expectations, "expect.")
    return Expectations.of(*(_expectation(vocabulary.expectations[key], _table(table, key)) for key in table))


def _expectation(kind: type[Expectation], table: Mapping[str, Any]) -> Expectation:
    """A table as an expectation; what it leaves out has the default of the class."""
    fields = dataclasses.fields(kind)
    _refuse_unknown(table, [item.name for item in fields], f"expect.{kind.key}.")
    defaults = {item.name: encode(_default(item)) for item in fields if item.name not in table and _has_default(item)}
    try:
        return decode(kind, {**defaults, **table})
    except SchemaMismatch as error:
        raise PolicyError(f"expect.{error}") from error


def _has_default(item: dataclasses.Field[Any]) -> bool:
    return item.default is not dataclasses.MISSING or item.default_factory is not dataclasses.MISSING


def _default(item: dataclasses.Field[Any]) -> Any:
    return item.default if item.default_factory is dataclasses.MISSING else item.default_factory()


def _waivers(items: Any, vocabulary: Vocabulary) -> tuple[Waiver, ...]:
    if not (isinstance(items, list) and all(isinstance(item, dict) for item in items)):
        raise PolicyError("waiver: expected tables that start with [[waiver]]")
    waivers = tuple(_waiver(item, vocabulary) for item in items)
    names = [waiver.check for waiver in waivers]
    for name in names:
        if names.count(name) > 1:
            raise PolicyError(f"waiver: '{name}' is waived {names.count(name)} times; keep one")
    return waivers


def _waiver(item: Mapping[str, Any], vocabulary: Vocabulary) -> Waiver:
    _refuse_unknown(item, [field.name for field in dataclasses.fields(Waiver)], "waiver.")
    check = _text(item, "check", "a waiver")
    where = f"the waiver for '{check}'"
    _known_check(check, vocabulary, "waiver.check")
    if check in vocabulary.never_waived:
        raise PolicyError(f"waiver: '{check}' can never be waived; remove the waiver and mend what fails")
    expires = item.get("expires")
    if not isinstance(expires, date) or isinstance(expires, datetime):
        raise PolicyError(f"{where} needs its last day, as in expires = 2026-03-01; found {expires!r}")
    return Waiver(check=check, reason=_text(item, "reason", where), owner=_text(item, "owner", where), expires=expires)


def _known_check(name: str, vocabulary: Vocabulary, where: str) -> None:
    if name not in vocabulary.checks:
        raise PolicyError(f"{where}: no check is called '{name}'; {nearest(name, vocabulary.checks)}")


def _refuse_unknown(table: Mapping[str, Any], known: Collection[str], prefix: str) -> None:
    for key in table:
        if key not in known:
            raise PolicyError(f"unknown key '{prefix}{key}'; {nearest(key, known)}")


def _table(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise PolicyError(f"{key}: expected a table, found {table!r}")
    return table


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise PolicyError(f'{where} needs {key} = "...", found {value!r}')
    return value
