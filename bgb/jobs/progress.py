"""Progress of a build as lines: now and then, with rate and time to go."""

from __future__ import annotations

from collections.abc import Callable

from bgb.data.builder import BuildProgress

EVERY_SECONDS = 2.0


class BuildLines:
    """Says a line every two seconds and at the end; a callback for `build_cache`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last_seconds = 0.0

    def __call__(self, progress: BuildProgress) -> None:
        done = progress.done == progress.total
        if not done and progress.elapsed_seconds - self._last_seconds < EVERY_SECONDS:
            return
        self._last_seconds = progress.elapsed_seconds
        self._say(describe(progress))


def describe(progress: BuildProgress) -> str:
    """One line: how far, how fast, how long still."""
    elapsed = max(progress.elapsed_seconds, 1e-3)
    left = (progress.total - progress.done) * elapsed / max(progress.done, 1)
    return (
        f"[CACHE] {progress.done} of {progress.total} recordings, {progress.refused} refused, "
        f"{progress.eeg_seconds / elapsed:,.0f} x real time, {left:.0f} s to go"
    )
