"""From the probability of each sample to events: hysteresis, morphology, a minimum duration, merging. Pure."""

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
    Opening and closing come next, in this order, as in the original configurations (opening 11, closing 31 samples).
    Their limit of 600 s cut an event into pieces without a gap, which changes no sample and is not here.
    Events shorter than `min_event_seconds` are dropped; then those less than `merge_gap_seconds` apart become one, so
    that a series of blips never adds up to an event.
    """
    starts, stops = _hysteresis(probability, config.on_threshold, config.off_threshold)
    starts, stops = _open(starts, stops, len(probability), config.opening_samples)
    starts, stops = _close(starts, stops, len(probability), config.closing_samples)
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


def _open(
    starts: NDArray[np.int64], stops: NDArray[np.int64], samples: int, kernel: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Binary opening of runs by a kernel of odd length: those that cannot hold it are dropped.

    What lies beyond the recording neither erodes nor dilates, so at an edge half a kernel may lie outside of it. On
    runs this costs nothing, where a filter over the samples of 24 h takes seconds for each threshold that is tried.
    """
    half = kernel // 2
    room = stops - starts + half * (starts == 0) + half * (stops == samples)
    return starts[room >= kernel], stops[room >= kernel]


def _close(
    starts: NDArray[np.int64], stops: NDArray[np.int64], samples: int, kernel: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Binary closing of runs by a kernel of odd length: gaps that cannot hold it are filled, at an edge half of it."""
    if not len(starts):
        return starts, stops
    half = kernel // 2
    apart = starts[1:] - stops[:-1] >= kernel
    starts, stops = np.r_[starts[:1], starts[1:][apart]], np.r_[stops[:-1][apart], stops[-1:]]
    starts[0] = 0 if starts[0] <= half else starts[0]
    stops[-1] = samples if samples - stops[-1] <= half else stops[-1]
    return starts, stops


def _runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First index and one past the last of each stretch of true values."""
    padded = np.zeros(len(mask) + 2, np.bool_)
    padded[1:-1] = mask
    changes = np.flatnonzero(padded[1:] != padded[:-1])
    return changes[::2], changes[1::2]
