"""Compiled bytecode that Python would run although the source beside it says otherwise.

Python believes a `.pyc` whose header names the size and time of its source, and an unchecked one always. Images and
archives often give every file the same time, so what runs can be the version before.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import struct
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from envcheck.core import Fact, Tier
from envcheck.distributions import site_directories
from envcheck.places import in_environment

_HASHED = 0b01
_CHECKED = 0b10


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageBytecode(Fact):
    """The bytecode that this Python would load for some packages, against their sources compiled afresh."""

    key: ClassVar[str] = "package_bytecode"
    tier: ClassVar[Tier] = Tier.STANDARD
    timeout_seconds: ClassVar[float] = 120.0  # all 1,668 modules of torch: 5 s

    packages: tuple[str, ...]
    """Top-level packages that were looked at."""
    files: int
    stale: tuple[str, ...]

    @classmethod
    def observe(cls, *, packages: Sequence[str] = ("torch",)) -> Self:
        """Compile each source that has loadable bytecode; `packages` are names as imported."""
        found = [path for package in packages for path in _sources(package)]
        loadable = [(source, code) for source in found if (code := _loadable(source)) is not None]
        stale = tuple(in_environment(source) for source, code in loadable if not _is_current(source, code))
        return cls(packages=tuple(packages), files=len(loadable), stale=stale)


def _sources(package: str) -> Iterator[Path]:
    for root in site_directories():
        for folder, folders, names in os.walk(root / package):
            folders[:] = [name for name in folders if name != "__pycache__"]
            yield from (Path(folder, name) for name in names if name.endswith(".py"))


def _loadable(source: Path) -> bytes | None:
    """The marshalled code that an import of `source` would run instead of compiling it (PEP 552)."""
    try:
        content = Path(importlib.util.cache_from_source(str(source))).read_bytes()
    except FileNotFoundError:
        return None
    if len(content) < 16 or content[:4] != importlib.util.MAGIC_NUMBER:
        return None
    (flags,) = struct.unpack_from("<I", content, 4)
    if flags & _HASHED:
        believed = not flags & _CHECKED or importlib.util.source_hash(source.read_bytes()) == content[8:16]
    else:
        status = source.stat()
        believed = struct.unpack_from("<II", content, 8) == (int(status.st_mtime) & 0xFFFFFFFF, status.st_size)
    return content[16:] if believed else None


def _is_current(source: Path, code: bytes) -> bool:
    """Code objects compare equal by what they do, line numbers included; the path they were compiled at is left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            return bool(marshal.loads(code) == compile(source.read_bytes(), str(source), "exec", dont_inherit=True))
        except (EOFError, SyntaxError, TypeError, ValueError):
            return False
