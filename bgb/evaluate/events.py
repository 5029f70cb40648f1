"""From the probability of each sample to events: hysteresis, a minimum duration, merging over short gaps. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bgb.config import EvaluateConfig
from bgb.data.recording import Interval


def find_events(
    probability: NDArray[np.float32], sample_rate_hz: float, config: EvaluateConfig
) -> tuple[Interval, ...]:
    """The events in `probability` (samples,), in order of time.

    An event starts at the first sample that reaches `on_threshold` and lasts while samples reach `off_threshold`.
    Events shorter than `min_event_seconds` are dropped; then those less than `merge_gap_seconds` apart become one, so
    that a series of blips never adds up to an event.
    """
    starts, stops = _hysteresis(probability, config.on_threshold, config.off_threshold)
    long_enough = stops - starts >= config.min_event_seconds * sample_rate_hz
    starts, stops = starts[long_enough], stops[long_enough]
    apart = starts[1:] - stops[:-1] >= config.merge_gap_seconds * sample_rate_hz
    firsts, lasts = np.r_[starts[:1], starts[1:][apart]], np.r_[stops[:-1][apart], stops[-1:]]
    return tuple(
        Interval(start_seconds=start / sample_rate_hz, stop_seconds=stop / sample_rate_hz)
        for start, stop in zip(firsts.tolist(), lasts.tolist(), strict=True)
    )


def at_threshold(config: EvaluateConfig, on_threshold: float) -> EvaluateConfig:
    """The same rules with another threshold; `off_threshold` keeps its ratio to `on_threshold`."""
    ratio = config.off_threshold / config.on_threshold
    return config.model_copy(update={"on_threshold": on_threshold, "off_threshold": on_threshold * ratio})


def _hysteresis(
    probability: NDArray[np.float32], on_threshold: float, off_threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First sample and one past the last of each event."""
    starts, stops = _runs(probability >= np.float32(off_threshold))
    reached, _ = _runs(probability >= np.float32(on_threshold))
    # A run above the lower threshold holds one event, from where it first reaches the upper threshold, or none.
    first = np.append(reached, len(probability))[np.searchsorted(reached, starts)]
    event = first < stops
    return first[event], stops[event]


def _runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First index and one past the last of each stretch of true values."""
    padded = np.zeros(len(mask) + 2, np.bool_)
    padded[1:-1] = mask
    changes = np.flatnonzero(padded[1:] != padded[:-1])
    return changes[::2], changes[1::2]
