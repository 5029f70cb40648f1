"""How often a checkpoint was scored on eval: counted beside it, and more than once only when asked for.

A split that is looked at again and again becomes one that choices are made on. The count is for whoever is honest: a
checkpoint that is copied elsewhere without its file starts at none.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from bgb.errors import ConfigError


def looks_path(checkpoint: Path) -> Path:
    """Beside the checkpoint: a line of JSON for each look."""
    return checkpoint.with_name(f"{checkpoint.name}.looks.jsonl")


@contextlib.contextmanager
def looking(checkpoint: Path, sha256: str, *, again: bool) -> Iterator[Callable[[], int]]:
    """Hold the checkpoint's count for as long as it is scored; what is yielded counts this look, and says which it is.

    Raises `ConfigError` where it was looked at before and not asked for `again`, where another process is scoring it,
    or where nothing can be written beside it. A look is one line, appended and synced: killed half way, it counts.
    """
    path = looks_path(checkpoint)
    try:
        file = path.open("a+b")
    except OSError as error:
        raise ConfigError(
            f"{path}: looks at eval are counted beside the checkpoint, and it cannot be: {error}"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"{checkpoint}: another process is scoring it on eval; wait until it has ended") from None
        before = _count(file, sha256)
        if before and not again:
            times = "once" if before == 1 else f"{before} times"
            raise ConfigError(
                f"{checkpoint}: was scored on eval {times} already, and is to be once: its report lies beside the run. "
                "To look again, and have the report say so: --again"
            )

        def count() -> int:
            line = {"sha256": sha256, "time": datetime.now(UTC).isoformat(timespec="seconds")}
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            return before + 1

        yield count


def _count(file: BinaryIO, sha256: str) -> int:
    file.seek(0)
    return sum(_is_of(line, sha256) for line in file.read().split(b"\n") if line.strip())


def _is_of(line: bytes, sha256: str) -> bool:
    """A line that cannot be read may have been of this checkpoint, so it counts."""
    try:
        return bool(json.loads(line)["sha256"] == sha256)
    except (ValueError, KeyError, TypeError):
        return True
