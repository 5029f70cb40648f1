"""A recording as the rest of the project sees it: 19 channels in one order, in microvolts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bgb.data.montage import CHANNELS

__all__ = ["CHANNELS", "Interval", "Recording"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch of time, half-open: the stop is not part of it."""

    start_seconds: float
    stop_seconds: float

    @property
    def seconds(self) -> float:
        return self.stop_seconds - self.start_seconds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """What was measured, and what had to be done to read it."""

    signal_uv: NDArray[np.float32]
    """(19, samples) in the order of `CHANNELS`, microvolts, finite."""
    sample_rate_hz: float
    interpolated: tuple[str, ...]
    """Channels the recording lacks, made from their neighbours."""
    repaired: tuple[str, ...]
    """Header fields that were wrong and could be read all the same, each as `field: what was done`."""
    flat: tuple[str, ...]
    """Channels that never change: a dead electrode."""
