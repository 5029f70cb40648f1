"""The machine as this process may use it: cores, memory, disks, and the C library that binaries must fit."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from envcheck.cgroups import read_limits, read_text
from envcheck.core import Fact
from envcheck.places import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Where something will be written: the nearest folder that exists on the way to it."""

    name: str
    path: str
    total_bytes: int
    free_bytes: int
    writable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(Fact):
    """What is there and, where a container has less, what this process may use of it."""

    key: ClassVar[str] = "machine"
    ttl_seconds: ClassVar[float | None] = 1800.0

    architecture: str
    kernel: str
    system: str
    glibc: str | None
    """None: another C library, such as musl, for which no CUDA build of torch exists."""
    cpu: str
    logical_cores: int
    usable_cores: float
    """Of those, how many affinity and the container's quota leave."""
    memory_bytes: int
    available_memory_bytes: int
    shared_memory_bytes: int
    """Size of `/dev/shm`, through which data-loading workers hand over batches."""
    disks: tuple[Disk, ...]

    @classmethod
    def observe(cls, *, paths: Mapping[str, str] | None = None) -> Self:
        """Look; `paths` are named places that will be written to, and nothing is created there."""
        limits = read_limits()
        total, available = _memory_bytes(limits.memory_bytes)
        cores = float(len(os.sched_getaffinity(0)))
        shared = Path("/dev/shm")
        return cls(
            architecture=platform.machine(),
            kernel=os.uname().release,
            system=_system(),
            glibc=_glibc(),
            cpu=_cpu_model(),
            logical_cores=os.cpu_count() or 1,
            usable_cores=min(cores, limits.cores or cores),
            memory_bytes=total,
            available_memory_bytes=available,
            shared_memory_bytes=_disk("shm", shared).total_bytes if shared.is_dir() else 0,
            disks=tuple(_disk(name, Path(path)) for name, path in (paths or {}).items()),
        )


def _disk(name: str, path: Path) -> Disk:
    absolute = path.expanduser().absolute()
    place = next(folder for folder in (absolute, *absolute.parents) if folder.is_dir())
    status = os.statvfs(place)
    return Disk(
        name=name,
        path=shown(place),
        total_bytes=status.f_blocks * status.f_frsize,
        free_bytes=status.f_bavail * status.f_frsize,
        writable=os.access(place, os.W_OK | os.X_OK),
    )


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _glibc() -> str | None:
    name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    return version if name == "glibc" else None


def _cpu_model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", read_text(Path("/proc/cpuinfo")), re.MULTILINE)
    return found[1].strip() if found else ""


def _memory_bytes(limit: int | None) -> tuple[int, int]:
    """Total and available, neither above the container's limit."""
    kibibytes = dict(re.findall(r"^(\w+):\s+(\d+) kB$", read_text(Path("/proc/meminfo")), re.MULTILINE))
    total, available = (int(kibibytes[name]) * 1024 for name in ("MemTotal", "MemAvailable"))
    return min(total, limit or total), min(available, limit or available)
