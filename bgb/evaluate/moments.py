"""What is worth looking at: the seizure told best, the one told worst, one at random, and the surest false alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bgb.data.recording import Interval
from bgb.evaluate.metrics import count_events


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A labelled seizure, or a false alarm, of one recording."""

    key: str
    interval: Interval
    is_seizure: bool
    detected: bool
    mean_probability: float


def find_moments(
    key: str,
    probability: NDArray[np.float32],
    sample_rate_hz: int,
    truth: Sequence[Interval],
    predicted: Sequence[Interval],
) -> tuple[Moment, ...]:
    """Every seizure and every false alarm of a recording, by the rules that score them."""
    seconds = len(probability) / sample_rate_hz

    def moment(interval: Interval, *, is_seizure: bool, detected: bool) -> Moment:
        first, stop = (int(edge * sample_rate_hz) for edge in (interval.start_seconds, interval.stop_seconds))
        mean = float(probability[first : max(stop, first + 1)].mean())
        return Moment(key=key, interval=interval, is_seizure=is_seizure, detected=detected, mean_probability=mean)

    seizures = [
        moment(interval, is_seizure=True, detected=count_events((interval,), predicted, seconds).detected > 0)
        for interval in truth
        if interval.start_seconds < seconds
    ]
    alarms = [
        moment(interval, is_seizure=False, detected=True)
        for interval in predicted
        if count_events(truth, (interval,), seconds).false_alarms
    ]
    return (*seizures, *alarms)


def choose_moments(moments: Sequence[Moment], *, seed: int) -> dict[str, Moment]:
    """By the title of its figure: at most one moment each, none twice."""
    seizures = sorted((moment for moment in moments if moment.is_seizure), key=lambda moment: moment.mean_probability)
    alarms = [moment for moment in moments if not moment.is_seizure]
    chosen: dict[str, Moment] = {}
    if seizures:
        chosen["Seizure with the highest probability"] = seizures[-1]
    if len(seizures) > 1:
        chosen["Seizure with the lowest probability"] = seizures[0]
    if len(seizures) > 2:
        chosen["Seizure drawn at random"] = seizures[int(np.random.default_rng(seed).integers(1, len(seizures) - 1))]
    if alarms:
        chosen["False alarm with the highest probability"] = max(alarms, key=lambda moment: moment.mean_probability)
    return chosen
