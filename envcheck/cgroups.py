"""What a container leaves of the machine: the limits of this process's control groups, version 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The tightest limit of any group that this process is in; None: no limit."""

    cores: float | None
    memory_bytes: int | None


def read_limits(root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> Limits:
    """Read what lies under `root` for the groups that `membership` names, and for those above them."""
    groups = read_text(membership)
    cores = [quota for folder in _folders("cpu", groups, root) if (quota := _cores(folder)) is not None]
    memory = [limit for folder in _folders("memory", groups, root) if (limit := _memory(folder)) is not None]
    return Limits(cores=min(cores, default=None), memory_bytes=min(memory, default=None))


def read_text(path: Path) -> str:
    """The content of a file of the kernel's; nothing where there is no such file or it may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _folders(controller: str, membership: str, root: Path) -> Iterator[Path]:
    """Lines read `0::/group` in version 2 and `4:cpu,cpuacct:/group` in version 1."""
    for line in membership.splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / controller if controllers else root
        own = top / group.lstrip("/")
        yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(top))


def _cores(folder: Path) -> float | None:
    match read_text(folder / "cpu.max").split():
        case [quota, period] if quota != "max":
            return int(quota) / int(period)
    quota, period = (read_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() else None


def _memory(folder: Path) -> int | None:
    limits = (read_text(folder / name).strip() for name in ("memory.max", "memory.limit_in_bytes"))
    return next((int(limit) for limit in limits if limit.isdecimal()), None)
