"""From argv to a completed process. A container or a rented machine is another function of the same type."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

GRACE_SECONDS = 1.0
"""How long to wait for the pipes of a killed group; only a descendant that left the group can still hold them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A process that has ended. A negative return code is the number of the signal that ended it."""

    returncode: int
    stdout: bytes
    stderr: bytes
    seconds: float
    timed_out: bool = False


Runner: TypeAlias = Callable[[Sequence[str], bytes, float], Completed]
"""Run argv with these bytes on stdin for at most so many seconds; `OSError` when it cannot even be started.

`argv[0]` is this machine's Python; a runner for another place puts that place's Python there.
"""

_running: set[subprocess.Popen[bytes]] = set()
_running_lock = threading.Lock()


def run_local(argv: Sequence[str], input: bytes, timeout_seconds: float) -> Completed:
    """Run on this machine, as the leader of a process group of its own, all of which is gone afterwards."""
    started = time.monotonic()
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as process:
        with _running_lock:
            _running.add(process)
        try:
            stdout, stderr, timed_out = _communicate(process, input, timeout_seconds)
        finally:
            _kill_group(process)
            with _running_lock:
                _running.discard(process)
    return Completed(
        returncode=process.returncode,
        stdout=stdout,
        stderr=stderr,
        seconds=time.monotonic() - started,
        timed_out=timed_out,
    )


def kill_running() -> None:
    """End every process that `run_local` has running, with its whole group; for use after an interrupt."""
    with _running_lock:
        for process in _running:
            _kill_group(process)


def _communicate(process: subprocess.Popen[bytes], input: bytes, timeout_seconds: float) -> tuple[bytes, bytes, bool]:
    try:
        return *process.communicate(input, timeout_seconds), False
    except subprocess.TimeoutExpired:
        # The process itself may have ended long ago, with something that it started still holding its pipes.
        timed_out = process.poll() is None
    _kill_group(process)
    try:
        return *process.communicate(timeout=GRACE_SECONDS), timed_out
    except subprocess.TimeoutExpired as unfinished:
        process.wait()
        return unfinished.output or b"", unfinished.stderr or b"", timed_out


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
