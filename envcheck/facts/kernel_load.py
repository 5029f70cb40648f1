"""Whether everything that the kernels stand on loads, rung by rung, and whether a call reaches the compiled code."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from envcheck.core import Fact, Tier
from envcheck.diagnosis import diagnose
from envcheck.load_rungs import RUNGS
from envcheck.redact import redact

_ERROR_CHARACTERS = 1000
_NOTE_CHARACTERS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One thing to load."""

    name: str
    tried: bool
    error: str | None = None
    """What it said, or how the process died; None: it loaded, or was not tried."""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    """Lines on stderr that have a known meaning, such as `_ARRAY_API not found` beside a successful import."""
    loads_alone: bool | None = None
    """Whether a rung that failed after the others does load in a process of its own; None: that was not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelLoad(Fact):
    """The rungs, from torch up to a call that the compiled code must refuse. Those above a broken one are not tried."""

    key: ClassVar[str] = "kernel_load"
    tier: ClassVar[Tier] = Tier.STANDARD
    timeout_seconds: ClassVar[float] = 180.0  # 14 s from a warm disk, and as much again for a rung that fails

    rungs: tuple[Rung, ...]

    @classmethod
    def observe(cls, seconds: float = 170.0) -> Self:
        """Climb in one child process: a segmentation fault there is an answer here. What fails is tried again alone.

        A run imports all of it into one process, so what the rungs do together is what counts.
        """
        deadline = time.monotonic() + seconds
        rungs = _climb((), deadline)
        broken = next((index for index, rung in enumerate(rungs) if rung.error is not None), None)
        if broken and time.monotonic() < deadline:  # the first one was alone already
            (again,) = _climb((rungs[broken].name,), deadline)
            rungs[broken] = replace(rungs[broken], loads_alone=again.tried and again.error is None)
        return cls(rungs=tuple(rungs))


def _climb(names: Sequence[str], deadline: float) -> list[Rung]:
    """These rungs, or all of them, in a process of their own."""
    left = max(deadline - time.monotonic(), 0.0)
    argv = [sys.executable, "-P", "-m", "envcheck.load_rungs", str(math.ceil(left) + 1), *names]
    with tempfile.TemporaryFile() as heard, tempfile.TemporaryFile() as answer:
        try:
            status = subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=answer, stderr=heard, timeout=left
            ).returncode
            death = _death(status)
        except subprocess.TimeoutExpired:
            death = f"it did not end in {left:.0f} s"
        answer.seek(0)
        heard.seek(0)
        return list(_rungs(names or tuple(RUNGS), answer.read(), heard.read(), death))


def _rungs(names: Sequence[str], answer: bytes, heard: bytes, death: str) -> Iterator[Rung]:
    said = [json.loads(line) for line in answer.splitlines(keepends=True) if line.endswith(b"\n")]
    begun: dict[str, Any] = {item["begun"]: item for item in said if "begun" in item}
    ended: dict[str, Any] = {item["ended"]: item for item in said if "ended" in item}
    if not begun:
        raise RuntimeError(_line(f"nothing was loaded: {death} {_last_line(heard)}"))
    for name in names:
        if name in ended:
            error, words = ended[name]["error"], heard[begun[name]["heard"] : ended[name]["heard"]]
            shown = None if error is None else _line(error)
            yield Rung(
                name=name, tried=True, error=shown, seconds=float(ended[name]["seconds"]), notes=tuple(_notes(words))
            )
        elif name in begun:
            words = heard[begun[name]["heard"] :]
            yield Rung(name=name, tried=True, error=_line(f"{death} {_last_line(words)}"), notes=tuple(_notes(words)))
        else:
            yield Rung(name=name, tried=False)


def _death(status: int) -> str:
    if status >= 0:
        return f"the process ended with status {status}"
    known = {item.value: item.name for item in signal.Signals}
    return f"the process was killed by {known.get(-status, f'signal {-status}')}"


def _notes(heard: bytes) -> Iterator[str]:
    """A known failure that only speaks; what nobody knows is noise of the libraries."""
    for line in dict.fromkeys(heard.decode(errors="replace").splitlines()):
        if diagnose(line) is not None:
            yield _line(line)[:_NOTE_CHARACTERS]


def _last_line(heard: bytes) -> str:
    """In brackets, or nothing: libraries say last why they abort."""
    line = next((line for line in reversed(heard.decode(errors="replace").splitlines()) if line.strip()), None)
    return f"({line.strip()})" if line else ""


def _line(text: str) -> str:
    return " ".join(redact(text).split())[:_ERROR_CHARACTERS]
