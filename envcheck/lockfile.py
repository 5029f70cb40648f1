"""A lockfile in the requirements format: every package pinned, every file of it by hash.

`uv pip compile --generate-hashes` and `pip-compile --generate-hashes` write it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envcheck.errors import FileUnusable
from envcheck.expectations import LockedPackages

_HASH = re.compile(r"\s--hash=(?P<algorithm>\w+):(?P<digest>[0-9a-f]+)(?=\s|$)")
_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_OPTIONS = re.compile(r"(--(index-url|extra-index-url|no-index|find-links|only-binary|no-binary)|-[if])\b")
"""Where to look and what to take; the hashes say what is right."""
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One package at one version, and the hashes of the files that may be it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    """As `sha256:<64 hex digits>`."""
    marker: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where packages are meant to be installed; not necessarily here."""

    python_version: str
    """As `3.11` or `3.11.9`."""
    platform: str = "linux"
    machine: str = "x86_64"

    def environment(self, extra: str) -> dict[str, str]:
        """The variables that markers know (packaging.python.org, dependency specifiers)."""
        major, minor, *rest = self.python_version.split(".")
        return {
            "extra": extra,
            "implementation_name": "cpython",
            "implementation_version": f"{major}.{minor}.{rest[0] if rest else 0}",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": self.platform.capitalize(),
            "platform_version": "",
            "python_full_version": f"{major}.{minor}.{rest[0] if rest else 0}",
            "python_version": f"{major}.{minor}",
            "sys_platform": self.platform,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lockfile that was read. `digest` is the SHA-256 of its bytes."""

    path: Path
    pins: tuple[Pin, ...]
    digest: str

    def select(self, target: Target, *, extras: Sequence[str] = ()) -> LockedPackages:
        """The pins that apply at `target`: required ones, and those of extras that were not asked for."""
        required = _applying(self, target, ("", *extras))
        optional = _applying(self, target, sorted({extra for pin in self.pins for extra in _extras_of(pin)}))
        return LockedPackages(
            file=self.path.name,
            digest=self.digest,
            required=required,
            optional={name: version for name, version in optional.items() if name not in required},
        )


def read_lock(path: Path) -> Lock:
    """Every pin of the lockfile; `FileUnusable` names the line that is not a pin with a hash."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except OSError as error:
        raise FileUnusable(f"{path}: the lockfile cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileUnusable(f"{path}: expected UTF-8 text, found other bytes at offset {error.start}") from error
    stated = ((line, statement) for line, statement in _statements(text) if statement and not _OPTIONS.match(statement))
    pins = tuple(_pin(path, line, statement) for line, statement in stated)
    if not pins:
        raise FileUnusable(f"{path}: pins nothing; make it with `uv pip compile --generate-hashes`")
    _refuse_contradictions(path, pins)
    return Lock(path=path, pins=pins, digest=hashlib.sha256(content).hexdigest())


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each logical line with the number of its first: comments gone, continuations joined."""
    parts: list[str] = []
    start = 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
        start = start if parts else number
        parts.append(line.removesuffix("\\").strip())
        if line.endswith("\\"):
            continue
        yield start, " ".join(filter(None, parts))
        parts = []
    yield start, " ".join(filter(None, parts))


def _pin(path: Path, line: int, statement: str) -> Pin:
    where = f"{path}:{line}"
    hashes = tuple(f"{found['algorithm']}:{found['digest']}" for found in _HASH.finditer(statement))
    text = _HASH.sub("", statement)
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise FileUnusable(f"{where}: expected `name==version --hash=...`, found {text[:80]!r}") from error
    operators = [(item.operator, item.version) for item in requirement.specifier]
    if len(operators) != 1 or operators[0][0] != "==" or operators[0][1].endswith("*"):
        found = str(requirement.specifier) or requirement.url or "no version"
        raise FileUnusable(f"{where}: {requirement.name} is not pinned: expected one ==version, found {found}")
    if not hashes:
        raise FileUnusable(
            f"{where}: {requirement.name} has no hash, so any file of that name would do; lock with --generate-hashes"
        )
    _refuse_weak_hashes(where, requirement.name, hashes)
    return Pin(
        name=canonicalize_name(requirement.name),
        version=operators[0][1],
        hashes=hashes,
        marker=str(requirement.marker) if requirement.marker else None,
        line=line,
    )


def _refuse_weak_hashes(where: str, name: str, hashes: Sequence[str]) -> None:
    for item in hashes:
        algorithm, _, digest = item.partition(":")
        if len(digest) != _HEX_DIGITS.get(algorithm):
            known = ", ".join(f"{key} ({digits} hex digits)" for key, digits in _HEX_DIGITS.items())
            raise FileUnusable(f"{where}: {name}: expected a hash by {known}, found {item[:40]}")


def _refuse_contradictions(path: Path, pins: Sequence[Pin]) -> None:
    seen: dict[tuple[str, str | None], Pin] = {}
    for pin in pins:
        first = seen.setdefault((pin.name, pin.marker), pin)
        if first is not pin:
            raise FileUnusable(f"{path}:{pin.line}: {pin.name} is pinned a second time, first in line {first.line}")


def _extras_of(pin: Pin) -> list[str]:
    return _EXTRA.findall(pin.marker or "")


def _applying(lock: Lock, target: Target, extras: Sequence[str]) -> dict[str, str]:
    """Versions by name of the pins that apply with any of these extras."""
    found: dict[str, Pin] = {}
    for pin in lock.pins:
        marker = Marker(pin.marker) if pin.marker else None
        if marker and not any(marker.evaluate(target.environment(extra)) for extra in extras):
            continue
        first = found.setdefault(pin.name, pin)
        if first is not pin:
            where = f"{lock.path}:{pin.line}"
            raise FileUnusable(f"{where}: {pin.name} applies here twice, also in line {first.line}")
    return {name: pin.version for name, pin in sorted(found.items())}
