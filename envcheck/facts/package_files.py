"""Files on disk beside the RECORDs that list them, by existence and size: 28,000 files in a quarter of a second."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Self

from envcheck.core import Fact
from envcheck.distributions import IMPORTABLE, find_distributions, read_record, site_directories
from envcheck.places import in_environment

SHOWN_AT_MOST = 50
"""Enough to see what happened; a package that is gone altogether would fill megabytes."""


class Damage(StrEnum):
    """What is wrong with one file."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    RESIZED = "resized"
    UNOWNED = "unowned"
    """Importable, among the packages, and in no RECORD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedFile:
    """A file that is not as its RECORD has it. Sizes are in bytes."""

    package: str
    path: str
    damage: Damage
    size: int | None = None
    recorded_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFiles(Fact):
    """RECORD against the disk, both ways."""

    key: ClassVar[str] = "package_files"

    files: int
    """How many files RECORDs list and were looked at."""
    damaged: tuple[DamagedFile, ...]
    damaged_count: int
    without_record: tuple[str, ...]
    """Distributions that cannot be compared."""

    @classmethod
    def observe(cls) -> Self:
        """Stat every listed file, then walk the packages for importable files that nothing lists."""
        owned: set[str] = set()
        damaged: list[DamagedFile] = []
        without_record = []
        for distribution in find_distributions():
            record = read_record(distribution)
            if record is None:
                without_record.append(distribution.name)
            for row in record or ():
                path = f"{distribution.root}/{row.path}"
                if ".." in row.path:
                    path = os.path.normpath(path)
                owned.add(path)
                if row.size is not None and (damage := _look(distribution.name, path, row.size)):
                    damaged.append(damage)
        damaged.extend(_unowned(site_directories(), owned))
        return cls(
            files=len(owned),
            damaged=tuple(damaged[:SHOWN_AT_MOST]),
            damaged_count=len(damaged),
            without_record=tuple(without_record),
        )


def _look(package: str, path: str, recorded: int) -> DamagedFile | None:
    """A file without a recorded size, as compiled bytecode, may come and go and is not asked for."""
    try:
        size = os.stat(path).st_size  # noqa: PTH116 - a Path for each of 28,000 files takes longer than the stat
    except (FileNotFoundError, NotADirectoryError):
        return DamagedFile(package=package, path=in_environment(path), damage=Damage.MISSING, recorded_size=recorded)
    except OSError:
        return DamagedFile(package=package, path=in_environment(path), damage=Damage.UNREADABLE, recorded_size=recorded)
    if size == recorded:
        return None
    return DamagedFile(
        package=package, path=in_environment(path), damage=Damage.RESIZED, size=size, recorded_size=recorded
    )


def _unowned(roots: Sequence[Path], owned: set[str]) -> Iterator[DamagedFile]:
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in names:
                # outside __pycache__, a .pyc is imported even where its source is gone
                if name.endswith((*IMPORTABLE, ".pyc")) and f"{folder}/{name}" not in owned:
                    yield DamagedFile(package="", path=in_environment(f"{folder}/{name}"), damage=Damage.UNOWNED)
