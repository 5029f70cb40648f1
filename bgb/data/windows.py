"""Window arithmetic: where the windows of a recording start, and how much of each is seizure. Pure.

Windows are never stored. What a recording gives under any window and stride follows from its length and its seizure
intervals, so that 300,000 windows are classed in well under a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from bgb.data.recording import Interval
from bgb.errors import ConfigError

if TYPE_CHECKING:
    from bgb.config import DataConfig, SignalConfig

FULL_SHARE = 0.99
"""From this share of its samples on, a window counts as wholly inside a seizure."""

_TICK = 1e-6
"""Share of a sample by which binary fractions may miss the sample they mean: 0.1 + 0.2 s at 1 kHz is sample
300.00000000000006."""


class WindowClass(IntEnum):
    """How much of a window is seizure."""

    NO_SEIZURE = 0
    PARTIAL_SEIZURE = 1
    FULL_SEIZURE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpec:
    """How recordings are cut."""

    window_samples: int
    stride_samples: int
    sample_rate_hz: int

    def __post_init__(self) -> None:
        if not 0 < self.stride_samples <= self.window_samples:
            raise ConfigError(
                f"windows of {self.window_samples} samples every {self.stride_samples}: a stride must be at least one "
                "sample and at most the window, or parts of each recording are never seen; "
                "mend data.stride_seconds or data.window_seconds"
            )

    @classmethod
    def from_config(cls, data: DataConfig, signal: SignalConfig) -> Self:
        return cls(
            window_samples=_whole_samples("data.window_seconds", data.window_seconds, signal.sample_rate_hz),
            stride_samples=_whole_samples("data.stride_seconds", data.stride_seconds, signal.sample_rate_hz),
            sample_rate_hz=signal.sample_rate_hz,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """Windows of each class."""

    no_seizure: int
    partial_seizure: int
    full_seizure: int

    @property
    def total(self) -> int:
        return self.no_seizure + self.partial_seizure + self.full_seizure


def window_starts(n_samples: int, spec: WindowSpec) -> NDArray[np.int64]:
    """First sample of each window of a recording of `n_samples`, ascending.

    Starts follow the stride; where that leaves a tail, one more window ends at the end. A recording shorter than a
    window gives one window, padded with zeros when read. So every sample is in some window.
    """
    if n_samples < 1:
        return np.empty(0, np.int64)
    last = max(n_samples - spec.window_samples, 0)
    starts = np.arange(0, last + 1, spec.stride_samples, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def classify(seizures: Sequence[Interval], n_samples: int, spec: WindowSpec) -> NDArray[np.int8]:
    """`WindowClass` of each window of a recording, by the share of its samples that lies in a seizure.

    Only samples that the recording has count: one wholly in seizure is `FULL_SEIZURE` however short it is.
    """
    starts = window_starts(n_samples, spec)
    classes = np.full(len(starts), WindowClass.NO_SEIZURE, np.int8)
    ranges = _sample_ranges(seizures, 0, n_samples, spec.sample_rate_hz)
    if not len(ranges):
        return classes
    stops = np.minimum(starts + spec.window_samples, n_samples)
    # Seizure samples before each end of a range. Between the ends the count grows by one a sample or not at all, so
    # interpolating it is exact.
    before = np.insert(np.cumsum(ranges[:, 1] - ranges[:, 0]), 0, 0)
    counts = np.stack([before[:-1], before[1:]], axis=1).ravel()
    inside = np.interp(stops, ranges.ravel(), counts) - np.interp(starts, ranges.ravel(), counts)
    classes[inside > 0] = WindowClass.PARTIAL_SEIZURE
    classes[inside >= FULL_SHARE * (stops - starts)] = WindowClass.FULL_SEIZURE
    return classes


def count_classes(classes: NDArray[np.int8]) -> ClassCounts:
    """How many windows there are of each class."""
    none, partial, full = np.bincount(classes, minlength=3).tolist()
    return ClassCounts(no_seizure=none, partial_seizure=partial, full_seizure=full)


def seizure_mask(seizures: Sequence[Interval], start: int, length: int, sample_rate_hz: float) -> NDArray[np.uint8]:
    """(length,) ones where samples `start`, `start` + 1, ... lie in a seizure, by the time each was taken."""
    mask = np.zeros(length, np.uint8)
    for first, stop in _sample_ranges(seizures, start, start + length, sample_rate_hz):
        mask[first - start : stop - start] = 1
    return mask


def _sample_ranges(seizures: Sequence[Interval], start: int, stop: int, sample_rate_hz: float) -> NDArray[np.int64]:
    """(n, 2) first and one past the last sample in seizure, within [start, stop), sorted, joined where they touch."""
    joined: list[list[int]] = []
    for seizure in sorted(seizures, key=lambda item: item.start_seconds):
        first = max(math.ceil(seizure.start_seconds * sample_rate_hz - _TICK), start)
        end = min(math.ceil(seizure.stop_seconds * sample_rate_hz - _TICK), stop)
        if first >= end:
            continue
        if joined and first <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([first, end])
    return np.array(joined, np.int64).reshape(-1, 2)


def _whole_samples(name: str, seconds: float, sample_rate_hz: int) -> int:
    samples = round(seconds * sample_rate_hz)
    if samples < 1 or abs(samples - seconds * sample_rate_hz) > _TICK:
        raise ConfigError(
            f"{name}: {seconds} s is {seconds * sample_rate_hz:g} samples at {sample_rate_hz} Hz; "
            "expected a whole number of samples"
        )
    return samples
