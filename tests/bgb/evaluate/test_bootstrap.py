from __future__ import annotations

import numpy as np
import pytest

from bgb.config import EvaluateConfig
from bgb.data.recording import Interval
from bgb.evaluate.bootstrap import Estimate, estimate
from bgb.evaluate.metrics import Tally, auroc, tally_recording

RATE = 8
SEIZURE = (Interval(start_seconds=100, stop_seconds=160),)


def patient(seed: int, *, contrast: float, seizures: tuple[Interval, ...] = SEIZURE) -> Tally:
    log_odds = np.random.default_rng(seed).normal(size=300 * RATE)
    log_odds[100 * RATE : 160 * RATE] += contrast
    probability = np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)
    return tally_recording(probability, seizures, RATE, EvaluateConfig())


SCORES = {"auroc": auroc, "sensitivity": lambda tally: tally.events.sensitivity}


def test_an_interval_holds_its_value_and_repeats_with_its_seed() -> None:
    patients = [patient(seed, contrast=seed) for seed in range(5)]
    first = estimate(patients, SCORES, seed=7, replicates=100)
    assert first == estimate(patients, SCORES, seed=7, replicates=100)
    found = first["auroc"]
    assert found.low is not None
    assert found.value is not None
    assert found.high is not None
    assert 0.5 < found.low < found.value < found.high < 1
    assert found.value == auroc(sum(patients, Tally.empty()))


def test_patients_alike_leave_no_doubt() -> None:
    found = estimate([patient(1, contrast=2)] * 4, SCORES, seed=0, replicates=50)["auroc"]
    assert found.low == pytest.approx(found.value)
    assert found.high == pytest.approx(found.value)


def test_one_patient_with_seizures_bears_no_interval() -> None:
    patients = [patient(1, contrast=2), patient(2, contrast=2, seizures=())]
    found = estimate(patients, SCORES, seed=0, replicates=50)["auroc"]
    assert found.value is not None
    assert (found.low, found.high) == (None, None)


def test_draws_without_a_seizure_are_left_out() -> None:
    patients = [patient(seed, contrast=3, seizures=SEIZURE if seed < 2 else ()) for seed in range(6)]
    found = estimate(patients, SCORES, seed=0, replicates=100)["auroc"]
    assert found.low is not None


def test_a_score_that_is_not_defined_has_no_interval() -> None:
    patients = [patient(seed, contrast=1, seizures=()) for seed in range(3)]
    assert estimate(patients, SCORES, seed=0, replicates=10)["auroc"] == Estimate(value=None)
