"""Installed distributions: what each calls itself, where it came from, and a digest of the files its wheel held."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Self

from envcheck.core import Fact
from envcheck.distributions import Distribution, RecordRow, find_distributions, read_record
from envcheck.places import in_environment, shown_url

# What an installer adds of its own, different for one wheel from tool to tool.
_INSTALLER_FILES = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_build.json", "uv_cache.json")


class Origin(StrEnum):
    """Where an installer took a distribution from (packaging.python.org, direct URL data structure)."""

    INDEX = "index"
    ARCHIVE = "archive"
    DIRECTORY = "directory"
    EDITABLE = "editable"
    VCS = "vcs"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One distribution."""

    name: str
    version: str | None
    location: str
    installer: str | None
    origin: Origin
    url: str | None
    files: int
    wheel: str | None
    """SHA-256 over the sorted paths and hashes that RECORD lists of the wheel itself; the same for one wheel whichever
    tool installed it. None: without a RECORD nothing says which files belong to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages(Fact):
    """Every distribution on the search path, in its order: of two with one name the first is the one metadata shows."""

    key: ClassVar[str] = "packages"

    packages: tuple[Package, ...]

    def named(self, name: str) -> Package | None:
        """The distribution that `importlib.metadata` would show for a normalised name."""
        return next((package for package in self.packages if package.name == name), None)

    @classmethod
    def observe(cls) -> Self:
        """Read each distribution's metadata."""
        return cls(packages=tuple(_package(distribution) for distribution in find_distributions()))


def _package(distribution: Distribution) -> Package:
    record = read_record(distribution)
    origin, url = _origin(distribution.info / "direct_url.json")
    return Package(
        name=distribution.name,
        version=distribution.version,
        location=in_environment(distribution.info),
        installer=_first_line(distribution.info / "INSTALLER"),
        origin=origin,
        url=url,
        files=len(record or ()),
        wheel=None if record is None else _digest(record),
    )


def _digest(record: tuple[RecordRow, ...]) -> str:
    rows = sorted(f"{row.path},{row.sha256}\n" for row in record if row.sha256 and _from_the_wheel(row.path))
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def _from_the_wheel(path: str) -> bool:
    """Scripts, outside the root, are written anew with the path of their interpreter."""
    folder, _, name = path.rpartition("/")
    return not path.startswith(("../", "/")) and not (folder.endswith(".dist-info") and name in _INSTALLER_FILES)


def _origin(path: Path) -> tuple[Origin, str | None]:
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return Origin.INDEX, None
    except (OSError, ValueError):
        return Origin.UNREADABLE, None
    match stated:
        case {"url": str(url), "dir_info": {"editable": True}}:
            return Origin.EDITABLE, shown_url(url)
        case {"url": str(url), "dir_info": {}}:
            return Origin.DIRECTORY, shown_url(url)
        case {"url": str(url), "vcs_info": Mapping() as vcs}:
            return Origin.VCS, f"{shown_url(url)}@{vcs.get('commit_id', '?')}"
        case {"url": str(url), "archive_info": {}}:
            return Origin.ARCHIVE, shown_url(url)
    return Origin.UNREADABLE, None


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
