"""Whether everything that the kernels stand on loads, rung by rung, and whether a call reaches the compiled code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from envcheck.core import Fact, Tier
from envcheck.load_rungs import RUNGS
from envcheck.redact import redact

_ERROR_CHARACTERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One thing to load."""

    name: str
    tried: bool
    error: str | None = None
    """What it said, or how the process died; None: it loaded, or was not tried."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelLoad(Fact):
    """The rungs, from torch up to a call that the compiled code must refuse. Those above a broken one are not tried."""

    key: ClassVar[str] = "kernel_load"
    tier: ClassVar[Tier] = Tier.STANDARD
    timeout_seconds: ClassVar[float] = 180.0

    rungs: tuple[Rung, ...]

    @classmethod
    def observe(cls) -> Self:
        """Climb in a child process: a segmentation fault there is an answer here."""
        argv = [sys.executable, "-P", "-m", "envcheck.load_rungs"]
        ended = subprocess.run(argv, capture_output=True, text=True, errors="replace")
        said = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
        return cls(rungs=tuple(_rungs(said, _death(ended.returncode, ended.stderr))))


def _rungs(said: Iterable[Mapping[str, Any]], death: str) -> Iterable[Rung]:
    begun = {item["begun"] for item in said if "begun" in item}
    ended = {item["ended"]: item for item in said if "ended" in item}
    for name in RUNGS:
        if name in ended:
            error = ended[name]["error"]
            shown = None if error is None else redact(str(error))[:_ERROR_CHARACTERS]
            yield Rung(name=name, tried=True, error=shown, seconds=float(ended[name]["seconds"]))
        else:
            yield Rung(name=name, tried=name in begun, error=death if name in begun else None)


def _death(status: int, stderr: str) -> str:
    last = next((line.strip() for line in reversed(stderr.splitlines()) if line.strip()), "")
    if status < 0:
        return f"the process was killed by {signal.Signals(-status).name}"
    return redact(f"the process ended with status {status}: {last}")[:_ERROR_CHARACTERS]
