from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bgb.config import EvaluateConfig
from bgb.data.recording import Interval
from bgb.evaluate.events import at_threshold, find_events

levels = st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0])


def reference_events(probability: list[float], rate: float, config: EvaluateConfig) -> list[tuple[float, float]]:
    """The rules sample by sample, as one would explain them; morphology by pooling, as the original code has it."""
    mask = np.zeros(len(probability), np.bool_)
    inside = False
    for index, value in enumerate(np.array(probability, np.float32)):
        if not inside and value >= np.float32(config.on_threshold):
            inside = True
        if inside and value < np.float32(config.off_threshold):
            inside = False
        mask[index] = inside
    events: list[list[int]] = []
    for index in np.flatnonzero(pooled(mask, config)).tolist():
        if events and events[-1][1] == index:
            events[-1][1] = index + 1
        else:
            events.append([index, index + 1])
    long_enough = [event for event in events if event[1] - event[0] >= config.min_event_seconds * rate]
    merged: list[list[int]] = []
    for event in long_enough:
        if merged and event[0] - merged[-1][1] < config.merge_gap_seconds * rate:
            merged[-1][1] = event[1]
        else:
            merged.append(event)
    return [(start / rate, stop / rate) for start, stop in merged]


def pooled(mask: NDArray[np.bool_], config: EvaluateConfig) -> NDArray[np.bool_]:
    """Opening, then closing, by max pooling over samples."""

    def dilate(values: torch.Tensor, kernel: int) -> torch.Tensor:
        return torch.nn.functional.max_pool1d(values, kernel, stride=1, padding=kernel // 2)

    if not len(mask):
        return mask
    values = torch.from_numpy(mask).float()[None]
    opened = dilate(-dilate(-values, config.opening_samples), config.opening_samples)
    closed = -dilate(-dilate(opened, config.closing_samples), config.closing_samples)
    found: NDArray[np.bool_] = (closed[0] > 0.5).numpy()
    return found


@given(
    kernels=st.tuples(st.sampled_from([1, 3, 5, 11]), st.sampled_from([1, 3, 7, 31])),
    probability=st.lists(levels, max_size=60),
    thresholds=st.tuples(st.sampled_from([0.4, 0.5, 0.6, 0.8]), st.sampled_from([0.2, 0.4])),
    min_seconds=st.sampled_from([0.1, 0.25, 0.5, 1.0]),
    gap_seconds=st.sampled_from([0.0, 0.25, 0.6, 2.0]),
)
def test_events_equal_those_of_a_walk_over_the_samples(
    kernels: tuple[int, int],
    probability: list[float],
    thresholds: tuple[float, float],
    min_seconds: float,
    gap_seconds: float,
) -> None:
    on, off = thresholds
    config = EvaluateConfig(
        on_threshold=on,
        off_threshold=off,
        opening_samples=kernels[0],
        closing_samples=kernels[1],
        min_event_seconds=min_seconds,
        merge_gap_seconds=gap_seconds,
    )
    found = find_events(np.array(probability, np.float32), 4.0, config)
    assert [(event.start_seconds, event.stop_seconds) for event in found] == reference_events(probability, 4.0, config)


CONFIG = EvaluateConfig(
    on_threshold=0.6,
    off_threshold=0.4,
    opening_samples=1,
    closing_samples=1,
    min_event_seconds=2.0,
    merge_gap_seconds=3.0,
)


def events_of(*probability: float) -> list[tuple[float, float]]:
    found = find_events(np.array(probability, np.float32), 1.0, CONFIG)
    return [(event.start_seconds, event.stop_seconds) for event in found]


def test_an_event_starts_at_the_upper_threshold_and_lasts_to_the_lower() -> None:
    assert events_of(0.5, 0.6, 0.4, 0.4, 0.39) == [(1.0, 4.0)]


def test_what_never_reaches_the_upper_threshold_is_no_event() -> None:
    assert events_of(0.5, 0.59, 0.5) == []


def test_a_short_event_is_dropped_before_gaps_are_closed() -> None:
    assert events_of(0.9, 0.0, 0.9, 0.0, 0.9, 0.0) == []


@pytest.mark.parametrize(("gap", "count"), [(2, 1), (3, 2)])
def test_events_closer_than_the_gap_become_one(gap: int, count: int) -> None:
    assert len(events_of(0.9, 0.9, *[0.0] * gap, 0.9, 0.9)) == count


def test_an_event_cannot_be_asked_to_end_above_where_it_starts() -> None:
    with pytest.raises(ValueError, match=r"off_threshold 0\.6 is above on_threshold 0\.4"):
        EvaluateConfig(on_threshold=0.4, off_threshold=0.6)


def test_morphology_drops_a_blip_and_fills_a_gap_and_comes_before_the_minimum_duration() -> None:
    config = CONFIG.model_copy(update={"opening_samples": 3, "closing_samples": 3, "min_event_seconds": 7.0})
    probability = [0.0, 0.9, 0.9, 0.0, 0.0, 0.9, 0.9, 0.9, 0.0, 0.0, 0.9, 0.9, 0.9, 0.0, 0.0]
    found = find_events(np.array(probability, np.float32), 1.0, config)
    assert [(event.start_seconds, event.stop_seconds) for event in found] == [(5.0, 13.0)]


@pytest.mark.parametrize("kernel", ["opening_samples", "closing_samples"])
def test_a_kernel_without_a_middle_is_refused(kernel: str) -> None:
    with pytest.raises(ValueError, match="found 10, expected an odd number"):
        EvaluateConfig.model_validate({kernel: 10})


def test_an_event_may_fill_the_recording() -> None:
    assert events_of(1.0, 1.0, 1.0) == [(0.0, 3.0)]


def test_no_samples_give_no_events() -> None:
    assert events_of() == []


@given(
    probability=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60),
    low=st.sampled_from([0.1, 0.3, 0.5]),
    high=st.sampled_from([0.5, 0.7, 0.9]),
)
def test_a_higher_threshold_never_finds_time_that_a_lower_one_does_not(
    probability: list[float], low: float, high: float
) -> None:
    config = EvaluateConfig(min_event_seconds=0.25, merge_gap_seconds=0)
    values = np.array(probability, np.float32)
    wide = find_events(values, 4.0, at_threshold(config, low))
    for event in find_events(values, 4.0, at_threshold(config, high)):
        assert any(holds(outer, event) for outer in wide)


def holds(outer: Interval, inner: Interval) -> bool:
    return outer.start_seconds <= inner.start_seconds and inner.stop_seconds <= outer.stop_seconds


def test_a_moved_threshold_keeps_the_ratio_of_the_two() -> None:
    moved = at_threshold(CONFIG, 0.3)
    assert moved.on_threshold == 0.3
    assert moved.off_threshold == pytest.approx(0.2)
    assert moved.min_event_seconds == CONFIG.min_event_seconds
