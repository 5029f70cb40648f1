"""What is counted over recordings, and the scores that follow: samples by torchmetrics, events by timescoring.

Counts and hours are pooled, never rates averaged: one false alarm in a recording of two minutes is 720 in 24 hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision, BinaryROC

from bgb.config import EvaluateConfig
from bgb.data.recording import Interval
from bgb.data.windows import seizure_mask
from bgb.errors import DataError
from bgb.evaluate.events import at_threshold, find_events

FALSE_ALARM_LIMITS: tuple[float, ...] = (10.0, 5.0, 2.5, 1.0)
"""False alarms per 24 h at which sensitivity is told."""


def _even_in_log_odds(count: int) -> NDArray[np.float32]:
    """Thresholds from 6e-6 to 1 - 6e-6, dense at both ends, where a network that is sure of itself puts its answers."""
    log_odds = np.linspace(-12, 12, count)
    return np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)


SAMPLE_THRESHOLDS: NDArray[np.float32] = np.r_[np.float32(0), _even_in_log_odds(2001), np.float32(2)]
"""AUROC over these is within 1e-3 of the exact one, in memory that does not grow; from all samples to none."""

EVENT_THRESHOLDS: NDArray[np.float32] = _even_in_log_odds(121)
"""The `on_threshold`s that are tried for sensitivity at a rate of false alarms."""

SECONDS_PER_DAY = 86400

_EVENT_RATE_HZ = 10
"""The precision that timescoring works at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCounts:
    """Events of one or more recordings as SzCORE counts them: gaps under 90 s closed, long events cut at 5 min."""

    reference: int
    detected: int
    """Reference events that a prediction touches, from 30 s before to 60 s after."""
    false_alarms: int

    @property
    def sensitivity(self) -> float | None:
        """None without a reference event."""
        return self.detected / self.reference if self.reference else None

    @property
    def precision(self) -> float | None:
        """None without a prediction."""
        predicted = self.detected + self.false_alarms
        return self.detected / predicted if predicted else None

    @property
    def f1(self) -> float | None:
        """None where there is neither a reference event nor a false alarm."""
        either = self.reference + self.false_alarms
        return 2 * self.detected / (self.detected + either) if either else None

    def __add__(self, other: EventCounts) -> EventCounts:
        return EventCounts(
            reference=self.reference + other.reference,
            detected=self.detected + other.detected,
            false_alarms=self.false_alarms + other.false_alarms,
        )


def count_events(truth: Sequence[Interval], predicted: Sequence[Interval], seconds: float) -> EventCounts:
    """The events of one recording of `seconds`, matched by timescoring with SzCORE's parameters."""
    scoring = EventScoring(_annotation(truth, seconds), _annotation(predicted, seconds))
    return EventCounts(reference=scoring.refTrue, detected=scoring.tp, false_alarms=scoring.fp)


def _seconds_near(seizures: Sequence[Interval], seconds: float) -> float:
    """How much of a recording lies so near to a seizure that an alarm there is a hit."""
    rules = EventScoring.Parameters()
    near = np.zeros(round(seconds * _EVENT_RATE_HZ), np.bool_)
    for seizure in seizures:
        start = max(seizure.start_seconds - rules.toleranceStart, 0)
        stop = seizure.stop_seconds + rules.toleranceEnd
        near[round(start * _EVENT_RATE_HZ) : round(stop * _EVENT_RATE_HZ)] = True
    return float(near.mean() * seconds) if len(near) else 0.0


def _annotation(intervals: Sequence[Interval], seconds: float) -> Annotation:
    """Events as timescoring holds them. As a mask they would cost 93 ms for 24 h, and an empty one is an IndexError."""
    events = [(item.start_seconds, min(item.stop_seconds, seconds)) for item in intervals]
    samples = max(round(seconds * _EVENT_RATE_HZ), 1)
    return Annotation([event for event in events if event[0] < event[1]], _EVENT_RATE_HZ, samples)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """What was counted over one or more recordings. Tallies of different recordings add up."""

    recordings: int
    seconds: float
    open_seconds: float
    """Time in which an alarm would be false: away from every seizure by SzCORE's tolerance."""
    seizures: int
    """As labelled, before SzCORE joins and cuts them."""
    events: EventCounts
    """At the configured thresholds."""
    sweep: NDArray[np.int64]
    """(thresholds, 2): reference events detected, and false alarms, at each of `EVENT_THRESHOLDS`."""
    samples: NDArray[np.int64]
    """(thresholds, 2): samples of background, and of seizure, that reach each of `SAMPLE_THRESHOLDS`."""

    @classmethod
    def empty(cls) -> Self:
        return cls(
            recordings=0,
            seconds=0.0,
            open_seconds=0.0,
            seizures=0,
            events=EventCounts(reference=0, detected=0, false_alarms=0),
            sweep=np.zeros((len(EVENT_THRESHOLDS), 2), np.int64),
            samples=np.zeros((len(SAMPLE_THRESHOLDS), 2), np.int64),
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            recordings=self.recordings + other.recordings,
            seconds=self.seconds + other.seconds,
            open_seconds=self.open_seconds + other.open_seconds,
            seizures=self.seizures + other.seizures,
            events=self.events + other.events,
            sweep=self.sweep + other.sweep,
            samples=self.samples + other.samples,
        )

    def per_24h(self, false_alarms: int) -> float:
        """A number of false alarms in this time as a rate."""
        return false_alarms * SECONDS_PER_DAY / self.seconds

    @property
    def has_both_classes(self) -> bool:
        return bool(self.samples[0].all())

    @property
    def seizure_share(self) -> float | None:
        """Share of samples in seizure."""
        background, seizure = self.samples[0].tolist()
        return seizure / (background + seizure) if background + seizure else None


def tally_recording(
    probability: NDArray[np.float32], seizures: Sequence[Interval], sample_rate_hz: int, config: EvaluateConfig
) -> Tally:
    """Count everything in one recording's `probability` (samples,); `DataError` where a value is not one."""
    wrong = int(np.count_nonzero(~((probability >= 0) & (probability <= 1))))
    if wrong:
        raise DataError(f"{wrong} of {len(probability)} probabilities are not numbers from 0 to 1")
    seconds = len(probability) / sample_rate_hz

    def events_at(rules: EvaluateConfig) -> EventCounts:
        return count_events(seizures, find_events(probability, sample_rate_hz, rules), seconds)

    swept = [events_at(at_threshold(config, threshold)) for threshold in EVENT_THRESHOLDS.tolist()]
    return Tally(
        recordings=1,
        seconds=seconds,
        open_seconds=seconds - _seconds_near(seizures, seconds),
        seizures=len(seizures),
        events=events_at(config),
        sweep=np.array([(counts.detected, counts.false_alarms) for counts in swept], np.int64),
        samples=count_samples(probability, seizure_mask(seizures, 0, len(probability), sample_rate_hz)),
    )


def count_samples(probability: NDArray[np.float32], label: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(thresholds, 2) samples of each label that reach each threshold.

    This is torchmetrics' own state for a metric with thresholds. Its update compares all samples with each threshold
    in turn, which takes seconds for 12 minutes of EEG; sorting them into bins once is over 100 times faster
    (benchmarks/sample_counts.py).
    """
    passed = np.searchsorted(SAMPLE_THRESHOLDS, probability, side="right")
    bins = np.bincount(passed * 2 + label, minlength=2 * (len(SAMPLE_THRESHOLDS) + 1)).reshape(-1, 2)
    return np.flip(np.cumsum(np.flip(bins[1:], 0), 0), 0).astype(np.int64)


class _FromCounts:
    """Makes a torchmetrics metric with thresholds take `Tally.samples` for its state."""

    confmat: torch.Tensor

    def update(self, samples: NDArray[np.int64]) -> None:
        reached = torch.from_numpy(np.ascontiguousarray(samples))
        # (thresholds, label, reached or not)
        self.confmat = self.confmat + torch.stack([reached[0] - reached, reached], dim=-1)


class _AUROC(_FromCounts, BinaryAUROC):  # type: ignore[misc]
    pass


class _AveragePrecision(_FromCounts, BinaryAveragePrecision):  # type: ignore[misc]
    pass


class _ROC(_FromCounts, BinaryROC):  # type: ignore[misc]
    pass


def auroc(tally: Tally) -> float | None:
    """Area under the ROC curve over all samples; None unless there are both seizure and background."""
    return float(_compute(_AUROC, tally)) if tally.has_both_classes else None


def average_precision(tally: Tally) -> float | None:
    """Average precision over all samples; None unless there are both seizure and background."""
    return float(_compute(_AveragePrecision, tally)) if tally.has_both_classes else None


def roc_curve(tally: Tally) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """False and true positive rate over all samples, each (thresholds,), from none to all; both classes needed."""
    false_positive_rate, true_positive_rate, _ = _compute(_ROC, tally)
    return false_positive_rate.numpy(), true_positive_rate.numpy()


def _compute(metric: type[_AUROC | _AveragePrecision | _ROC], tally: Tally) -> Any:
    counted = metric(thresholds=torch.from_numpy(SAMPLE_THRESHOLDS))
    counted.update(tally.samples)
    return counted.compute()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """The best that a sweep of thresholds finds within a rate of false alarms."""

    limit_per_24h: float
    sensitivity: float | None
    """None without a reference event; 0.0 where only silence keeps to the limit."""
    false_alarms_per_24h: float
    on_threshold: float | None
    """None: every threshold that was tried gives more alarms."""


def operating_point(tally: Tally, limit_per_24h: float) -> OperatingPoint:
    """The highest sensitivity among thresholds with at most `limit_per_24h`; of equals, the one with fewest alarms."""
    reference = tally.events.reference
    detected, alarms = tally.sweep.T
    allowed = np.flatnonzero(alarms * SECONDS_PER_DAY <= limit_per_24h * tally.seconds).tolist()
    # Of thresholds that do as well as each other the highest.
    best = max(allowed, key=lambda index: (detected[index], -alarms[index], index), default=None)
    found, cost = (0, 0) if best is None else (int(detected[best]), int(alarms[best]))
    return OperatingPoint(
        limit_per_24h=limit_per_24h,
        sensitivity=found / reference if reference else None,
        false_alarms_per_24h=tally.per_24h(cost),
        on_threshold=None if best is None else float(EVENT_THRESHOLDS[best]),
    )


def point_at(tally: Tally, limit_per_24h: float, on_threshold: float | None) -> OperatingPoint:
    """What a threshold of the sweep that was chosen elsewhere gives here: the limit it was chosen for may not hold."""
    reference = tally.events.reference
    found, alarms = 0, 0
    if on_threshold is not None:
        found, alarms = tally.sweep[EVENT_THRESHOLDS.tolist().index(on_threshold)].tolist()
    return OperatingPoint(
        limit_per_24h=limit_per_24h,
        sensitivity=found / reference if reference else None,
        false_alarms_per_24h=tally.per_24h(alarms),
        on_threshold=on_threshold,
    )
