"""Whether what is still to be cached fits on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from bgb.data.cache import cached_bytes
from bgb.data.corpus import CorpusFile
from bgb.data.edf import read_header
from bgb.data.signal import SignalSettings
from bgb.errors import CacheError, RecordingRefused

_SPARE_BYTES = 64 << 20
"""Kept free beside what the cache needs."""


def check_space(needed: Mapping[str, int], cache: Path) -> None:
    """Before the build and after each recording, since others write to the disk too. `needed`: bytes by key."""
    wanted = sum(needed.values())
    try:
        free = shutil.disk_usage(cache).free
    except OSError as error:
        raise CacheError(f"{cache}: cannot be read: {error.strerror}; was the cache removed?") from error
    if wanted and free < wanted + _SPARE_BYTES:
        raise CacheError(
            f"{cache}: {len(needed)} recordings need {wanted / 1e9:.2f} GB, with {_SPARE_BYTES / 1e9:.2f} GB to spare, "
            f"and {free / 1e9:.2f} GB are free; free some space or choose another paths.cache; what is built is kept"
        )


def expected_bytes(file: CorpusFile, settings: SignalSettings) -> int:
    """0 for a recording that will be refused."""
    try:
        seconds = read_header(file.edf).seconds
    except RecordingRefused:
        return 0
    return cached_bytes(round(seconds * settings.sample_rate_hz), settings.sample_rate_hz)
