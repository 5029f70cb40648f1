"""Installed distributions as the metadata on disk states them. Nothing is imported and nothing is believed.

`importlib.metadata` returns the first distribution of a name and hides the others; this lists every one on the path.
"""

from __future__ import annotations

import csv
import re
import site
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

IMPORTABLE = (".py", ".so", ".pth", ".egg-link")


class RecordRow(NamedTuple):
    """One line of RECORD: a file that an installer brought. Paths are relative to `Distribution.root`.

    A tuple, as 28,000 of them are made for each of three facts: 30 ms instead of 100.
    """

    path: str
    sha256: str | None
    """Unpadded URL-safe base64, as RECORD has it; None where it states no SHA-256."""
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A `.dist-info` or `.egg-info` on the search path."""

    name: str
    """Normalised: lower case, words joined by `-`."""
    version: str | None
    """None where the metadata is gone, as after an interrupted installation."""
    root: Path
    info: Path


def normalized(name: str) -> str:
    """The one spelling of a distribution's name (packaging.python.org, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def search_path() -> tuple[Path, ...]:
    """The directories of `sys.path`, each once; `lib64` is often a link to `lib`."""
    found = dict.fromkeys(Path(entry).resolve() for entry in sys.path)
    return tuple(path for path in found if path.is_dir())


def site_directories() -> tuple[Path, ...]:
    """Where this Python's installers put packages."""
    places = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages())
    return tuple(dict.fromkeys(Path(place).resolve() for place in places))


def find_distributions(path: Sequence[Path] | None = None) -> tuple[Distribution, ...]:
    """Every distribution on `path` in search order: of two with one name, `importlib.metadata` sees the first."""
    return tuple(item for root in (search_path() if path is None else path) for item in _in_directory(root))


def read_record(distribution: Distribution) -> tuple[RecordRow, ...] | None:
    """The lines of RECORD; None where there is none, so that nothing says which files are the distribution's."""
    try:
        with (distribution.info / "RECORD").open(encoding="utf-8", errors="backslashreplace", newline="") as file:
            return tuple(_row(fields) for fields in csv.reader(file) if fields)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _in_directory(root: Path) -> Iterator[Distribution]:
    try:
        names = sorted(path.name for path in root.iterdir())
    except OSError:  # a directory of sys.path that cannot be listed gives imports nothing either
        return
    for name in names:
        # pip renames what it is about to remove to ~name: what is left of that is no distribution
        if name.endswith((".dist-info", ".egg-info")) and not name.startswith("~"):
            yield _distribution(root, root / name)


def _distribution(root: Path, info: Path) -> Distribution:
    headers = _headers(info)
    name = headers.get("name") or info.name.rpartition(".")[0].split("-")[0]
    return Distribution(name=normalized(name), version=headers.get("version"), root=root, info=info)


def _headers(info: Path) -> dict[str, str]:
    """Name and version: the email parser of `importlib.metadata` would read all of each long description."""
    for candidate in (info / "METADATA", info / "PKG-INFO", info):
        try:
            with candidate.open(encoding="utf-8", errors="replace") as file:
                lines = (line.partition(":") for line in iter(file.readline, "") if line[:1] not in " \t")
                return _name_and_version(lines)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
    return {}


def _name_and_version(lines: Iterator[tuple[str, str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, colon, value in lines:
        if not colon and not key.strip():
            break
        if (header := key.lower()) in ("name", "version"):
            found.setdefault(header, value.strip())
        if len(found) == 2:
            break
    return found


def _row(fields: Sequence[str]) -> RecordRow:
    path, digest, size = (*fields, "", "")[:3]
    if "__pycache__/" in path:
        # Python writes these anew when it sees fit, also the one that numpy 1.26's wheel lists with a hash.
        return RecordRow(path=path, sha256=None, size=None)
    algorithm, _, value = digest.partition("=")
    return RecordRow(
        path=path,
        sha256=value if algorithm == "sha256" and value else None,
        size=int(size) if size.isdecimal() else None,
    )
