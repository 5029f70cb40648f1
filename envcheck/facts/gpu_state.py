"""The state of the GPUs as `nvidia-smi` tells it: memory, slices, errors, who else is on them, and what slows them."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from envcheck.core import Fact

RETRY_SECONDS = 2.0
"""A process that has just ended holds its memory for a moment."""
IDLE_MIB = 256
"""A driver keeps a few MiB for itself, a context of CUDA takes some 400."""
SWITCHES = (
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "PYTORCH_CUDA_ALLOC_CONF",
    "PYTORCH_NO_CUDA_MEMORY_CACHING",
    "CUDA_LAUNCH_BLOCKING",
    "TRITON_INTERPRET",
    "TRITON_DEBUG",
)
_FIELDS = (
    *("index", "name", "memory.total", "memory.used", "mig.mode.current", "ecc.mode.current"),
    *("ecc.errors.uncorrected.volatile.total", "compute_mode", "driver_version", "clocks_throttle_reasons.active"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuProcess:
    """A process with a context on a card."""

    pid: int
    name: str
    """The program without its folder."""
    memory_mib: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuCard:
    """One card. None: the card does not tell."""

    index: int
    name: str
    memory_mib: int
    used_mib: int | None
    mig: bool | None
    ecc: bool | None
    uncorrected_errors: int | None
    """Since the driver was loaded."""
    compute_mode: str
    driver: str
    throttle: str
    """The active reasons, as a mask of bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuState(Fact):
    """Every card that the driver shows, and the processes on them."""

    key: ClassVar[str] = "gpu_state"
    alone: ClassVar[bool] = True
    ttl_seconds: ClassVar[float | None] = 1800.0

    cards: tuple[GpuCard, ...]
    processes: tuple[GpuProcess, ...]
    switches: dict[str, str]
    """Variables that change the arithmetic, the allocator, the launches or the kernels, with their values."""
    problem: str | None = None
    """Why `nvidia-smi` told nothing."""

    @classmethod
    def observe(cls, retry_seconds: float = RETRY_SECONDS) -> Self:
        """Ask; where somebody is on a card, ask once more before it is said."""
        switches = {name: os.environ[name] for name in SWITCHES if name in os.environ}
        try:
            processes, cards = _processes(), _cards()
            # in a container the processes of others are not listed, but the memory that they hold is
            if processes or any((card.used_mib or 0) > IDLE_MIB for card in cards):
                time.sleep(retry_seconds)
                processes, cards = _processes(), _cards()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return cls(cards=(), processes=(), switches=switches, problem=_problem(error))
        return cls(cards=cards, processes=processes, switches=switches)


def _ask(what: str, fields: Sequence[str]) -> list[dict[str, str]]:
    command = ["nvidia-smi", f"--query-{what}={','.join(fields)}", "--format=csv,noheader,nounits"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=8, check=True, errors="replace").stdout
    return [dict(zip(fields, row, strict=True)) for row in csv.reader(said.splitlines(), skipinitialspace=True) if row]


def _processes() -> tuple[GpuProcess, ...]:
    rows = _ask("compute-apps", ("pid", "process_name", "used_memory"))
    return tuple(
        GpuProcess(
            pid=int(row["pid"]),
            name=row["process_name"].rpartition("/")[2].partition(" ")[0],
            memory_mib=_number(row["used_memory"]),
        )
        for row in rows
        if int(row["pid"]) != os.getpid()
    )


def _cards() -> tuple[GpuCard, ...]:
    return tuple(_card(row) for row in _ask("gpu", _FIELDS))


def _card(row: Mapping[str, str]) -> GpuCard:
    return GpuCard(
        index=int(row["index"]),
        name=row["name"],
        memory_mib=int(row["memory.total"]),
        used_mib=_number(row["memory.used"]),
        mig=_switch(row["mig.mode.current"]),
        ecc=_switch(row["ecc.mode.current"]),
        uncorrected_errors=_number(row["ecc.errors.uncorrected.volatile.total"]),
        compute_mode=row["compute_mode"],
        driver=row["driver_version"],
        throttle=row["clocks_throttle_reasons.active"],
    )


def _switch(word: str) -> bool | None:
    return {"Enabled": True, "Disabled": False}.get(word)


_NOT_TOLD = {"N/A", "Not Supported", "Insufficient Permissions"}


def _number(word: str) -> int | None:
    """None where the card does not tell; a broken one answers `[GPU requires reset]`, and that is no number either."""
    return None if word.strip("[]") in _NOT_TOLD else int(word)


def _problem(error: Exception) -> str:
    if shutil.which("nvidia-smi") is None:
        return "nvidia-smi is not on PATH"
    if isinstance(error, subprocess.CalledProcessError):
        said = (error.stdout or error.stderr or "").strip().splitlines()
        return f"nvidia-smi ended with status {error.returncode}: {said[-1] if said else 'without a word'}"
    return f"nvidia-smi: {type(error).__name__}: {error}"
