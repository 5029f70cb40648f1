from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision

from bgb.config import EvaluateConfig
from bgb.data.recording import Interval
from bgb.errors import DataError
from bgb.evaluate.events import at_threshold, find_events
from bgb.evaluate.metrics import (
    EVENT_THRESHOLDS,
    FALSE_ALARM_LIMITS,
    SAMPLE_THRESHOLDS,
    EventCounts,
    Tally,
    auroc,
    average_precision,
    count_events,
    operating_point,
    roc_curve,
    tally_recording,
)

RATE = 8
CONFIG = EvaluateConfig()


def intervals(*pairs: tuple[float, float]) -> tuple[Interval, ...]:
    return tuple(Interval(start_seconds=start, stop_seconds=stop) for start, stop in pairs)


@st.composite
def event_lists(draw: st.DrawFn, seconds: int) -> list[tuple[float, float]]:
    edges = draw(st.lists(st.integers(0, seconds), max_size=10, unique=True))
    edges = sorted(edges)[: len(edges) // 2 * 2]
    return [(float(start), float(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def simulated(seed: int, seconds: int, seizures: tuple[Interval, ...]) -> NDArray[np.float32]:
    """Probabilities that are higher in seizures than elsewhere, and noisy."""
    noise = np.repeat(np.random.default_rng(seed).normal(-2, 1.5, seconds), RATE)
    for seizure in seizures:
        noise[int(seizure.start_seconds * RATE) : int(seizure.stop_seconds * RATE)] += 3
    return np.asarray(1 / (1 + np.exp(-noise)), np.float32)


@settings(max_examples=60)
@given(truth=event_lists(2000), predicted=event_lists(2000))
def test_events_are_counted_as_timescoring_counts_masks(
    truth: list[tuple[float, float]], predicted: list[tuple[float, float]]
) -> None:
    def mask(events: list[tuple[float, float]]) -> NDArray[np.bool_]:
        samples = np.zeros(2000 * 2, np.bool_)
        for start, stop in events:
            samples[round(start * 2) : round(stop * 2)] = True
        return samples

    by_hand = EventScoring(Annotation(mask(truth), 2), Annotation(mask(predicted), 2))
    counts = count_events(intervals(*truth), intervals(*predicted), 2000.0)
    assert counts == EventCounts(reference=by_hand.refTrue, detected=by_hand.tp, false_alarms=by_hand.fp)
    assert (counts.sensitivity or 0) == pytest.approx(0 if math.isnan(by_hand.sensitivity) else by_hand.sensitivity)
    assert (counts.precision or 0) == pytest.approx(0 if math.isnan(by_hand.precision) else by_hand.precision)
    assert (counts.f1 or 0) == pytest.approx(0 if math.isnan(by_hand.f1) else by_hand.f1)


def test_a_label_may_end_after_the_recording() -> None:
    assert count_events(intervals((50.0, 60.5)), intervals((55.0, 60.0)), 60.0).detected == 1


def test_a_recording_of_one_sample_is_counted() -> None:
    assert count_events((), (), 1 / 256) == EventCounts(reference=0, detected=0, false_alarms=0)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), share=st.floats(0.1, 0.9))
def test_binned_sample_scores_are_close_to_the_exact_ones(seed: int, share: float) -> None:
    seizures = intervals((100.0, 100 + 400 * share))
    probability = simulated(seed, 600, seizures)
    tally = tally_recording(probability, seizures, RATE, CONFIG)
    label = torch.zeros(len(probability), dtype=torch.int64)
    label[100 * RATE : math.ceil((100 + 400 * share) * RATE)] = 1
    scores = torch.from_numpy(probability)
    assert auroc(tally) == pytest.approx(float(BinaryAUROC()(scores, label)), abs=1e-3)
    assert average_precision(tally) == pytest.approx(float(BinaryAveragePrecision()(scores, label)), abs=1e-2)


def test_sample_counts_are_the_state_that_torchmetrics_itself_builds() -> None:
    seizures = intervals((10.0, 50.0))
    probability = simulated(1, 120, seizures)
    tally = tally_recording(probability, seizures, RATE, CONFIG)
    label = torch.zeros(len(probability), dtype=torch.int64)
    label[10 * RATE : 50 * RATE] = 1
    metric = BinaryAUROC(thresholds=torch.from_numpy(SAMPLE_THRESHOLDS))
    metric.update(torch.from_numpy(probability), label)
    assert isinstance(metric.confmat, torch.Tensor)
    assert np.array_equal(tally.samples, metric.confmat[:, :, 1].numpy())
    assert auroc(tally) == float(metric.compute())


def test_a_perfect_answer_has_area_one_and_its_curve_runs_from_none_to_all() -> None:
    probability = np.repeat(np.array([0.0, 1.0], np.float32), 60 * RATE)
    tally = tally_recording(probability, intervals((60.0, 120.0)), RATE, CONFIG)
    false_rate, true_rate = roc_curve(tally)
    assert auroc(tally) == 1.0
    assert (false_rate[0], true_rate[0], false_rate[-1], true_rate[-1]) == (0, 0, 1, 1)


def test_the_same_answer_everywhere_has_area_one_half() -> None:
    tally = tally_recording(np.full(120 * RATE, 1.0, np.float32), intervals((60.0, 120.0)), RATE, CONFIG)
    assert auroc(tally) == 0.5


def test_tallies_add_up_to_the_tally_of_both() -> None:
    first, second = intervals((10.0, 50.0)), intervals((5.0, 25.0), (200.0, 260.0))
    one = tally_recording(simulated(1, 300, first), first, RATE, CONFIG)
    other = tally_recording(simulated(2, 300, second), second, RATE, CONFIG)
    both = one + other
    assert (both.recordings, both.seconds, both.seizures) == (2, 600.0, 3)
    assert both.samples[0].tolist() == [600 * RATE - 120 * RATE, 120 * RATE]
    assert both.events.reference == one.events.reference + other.events.reference
    assert np.array_equal(both.sweep, one.sweep + other.sweep)
    assert np.array_equal((Tally.empty() + both).samples, both.samples)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.1, 1.5])
def test_a_value_that_is_no_probability_is_an_error(wrong: float) -> None:
    probability = np.full(100, 0.5, np.float32)
    probability[40] = wrong
    with pytest.raises(DataError, match="1 of 100 probabilities"):
        tally_recording(probability, (), RATE, CONFIG)


def test_without_seizures_there_are_false_alarms_but_no_sensitivity() -> None:
    probability = np.zeros(3600 * RATE, np.float32)
    probability[: 20 * RATE] = 0.9
    tally = tally_recording(probability, (), RATE, CONFIG)
    assert tally.per_24h(tally.events.false_alarms) == 24.0
    assert tally.events.sensitivity is None
    assert tally.events.precision == 0.0
    assert auroc(tally) is None
    assert average_precision(tally) is None
    assert operating_point(tally, 10.0).sensitivity is None


def test_where_all_is_seizure_nothing_can_be_a_false_alarm() -> None:
    tally = tally_recording(np.full(600 * RATE, 0.9, np.float32), intervals((0.0, 600.0)), RATE, CONFIG)
    assert tally.events == EventCounts(reference=2, detected=2, false_alarms=0)
    assert auroc(tally) is None
    assert operating_point(tally, 1.0).sensitivity == 1.0


def test_silence_where_nothing_happens_has_no_score_at_all() -> None:
    events = tally_recording(np.zeros(600 * RATE, np.float32), (), RATE, CONFIG).events
    assert (events.sensitivity, events.precision, events.f1) == (None, None, None)


@pytest.mark.parametrize("limit", FALSE_ALARM_LIMITS)
def test_an_operating_point_is_the_best_of_all_thresholds_within_the_limit(limit: float) -> None:
    seizures = intervals((1000.0, 1060.0), (9000.0, 9100.0), (20000.0, 20030.0))
    probability = simulated(3, 30000, seizures)
    tally = tally_recording(probability, seizures, RATE, CONFIG)
    best = 0.0
    for threshold in EVENT_THRESHOLDS.tolist():
        events = find_events(probability, RATE, at_threshold(CONFIG, threshold))
        scoring = EventScoring(
            Annotation([(s.start_seconds, s.stop_seconds) for s in seizures], RATE, len(probability)),
            Annotation([(e.start_seconds, e.stop_seconds) for e in events], RATE, len(probability)),
        )
        if scoring.fpRate <= limit:
            best = max(best, scoring.sensitivity)
    point = operating_point(tally, limit)
    assert point.sensitivity == pytest.approx(best)
    assert point.false_alarms_per_24h <= limit
    assert point.on_threshold is not None


@pytest.mark.parametrize(
    ("seizures", "expected"),
    [((), 600.0), (((100, 130),), 480.0), (((100, 130), (200, 230)), 380.0), (((10, 20), (590, 600)), 480.0)],
)
def test_time_in_which_an_alarm_can_be_false_is_what_lies_outside_of_every_tolerance(
    seizures: tuple[tuple[float, float], ...], expected: float
) -> None:
    tally = tally_recording(np.zeros(600 * RATE, np.float32), intervals(*seizures), RATE, CONFIG)
    assert tally.open_seconds == pytest.approx(expected)


def test_a_limit_that_no_threshold_keeps_leaves_silence() -> None:
    probability = np.zeros(3600 * RATE, np.float32)
    probability[: 60 * RATE] = 1.0
    tally = tally_recording(probability, intervals((1800.0, 1860.0)), RATE, CONFIG)
    point = operating_point(tally, 10.0)
    assert (point.sensitivity, point.on_threshold, point.false_alarms_per_24h) == (0.0, None, 0.0)
