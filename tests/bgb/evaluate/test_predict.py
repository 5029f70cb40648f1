from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from bgb.data.windows import WindowSpec, window_starts
from bgb.evaluate.predict import Predictor, stitch

SPEC = WindowSpec(window_samples=32, stride_samples=8, sample_rate_hz=16)
SCALE = 0.01


@dataclass
class MemoryRecording:
    signal: NDArray[np.int16]
    reads: list[int] = field(default_factory=list)

    def read_window(self, start: int, out: NDArray[np.int16]) -> None:
        self.reads.append(start)
        found = self.signal[:, start : start + out.shape[1]]
        out[:] = 0
        out[:, : found.shape[1]] = found


class SampleWise(nn.Module):
    """A logit that depends on its own sample alone, so that every window says the same of it."""

    def forward(self, signal: Tensor) -> Tensor:
        return signal[:, 0] - 2 * signal[:, 18]


class PlaceWise(nn.Module):
    """A logit that depends on the place in the window too."""

    def forward(self, signal: Tensor) -> Tensor:
        return signal.mean(dim=1) * torch.linspace(-1, 1, signal.shape[2])


def recording(samples: int, seed: int = 0) -> MemoryRecording:
    return MemoryRecording(np.random.default_rng(seed).integers(-1000, 1000, (19, samples), dtype=np.int16))


def predictor(detector: nn.Module, batch_size: int = 3) -> Predictor:
    return Predictor(detector=detector, spec=SPEC, scale=SCALE, batch_size=batch_size, device="cpu", precision="fp32")


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-values)))


@given(samples=st.integers(1, 200), window=st.integers(1, 40), stride=st.integers(1, 40), seed=st.integers(0, 99))
def test_stitching_equals_the_mean_over_the_windows_that_hold_a_sample(
    samples: int, window: int, stride: int, seed: int
) -> None:
    spec = WindowSpec(window_samples=window, stride_samples=min(stride, window), sample_rate_hz=1)
    starts = window_starts(samples, spec).tolist()
    values = np.random.default_rng(seed).random((len(starts), window), np.float32)
    stitched = stitch(zip(starts, values, strict=True), samples)
    for sample in range(samples):
        said = [row[sample - start] for start, row in zip(starts, values, strict=True) if 0 <= sample - start < window]
        assert stitched[sample] == pytest.approx(np.mean(said), abs=1e-6)


@settings(max_examples=30)
@given(samples=st.integers(1, 150), batch_size=st.integers(1, 30))
def test_windows_in_batches_equal_windows_one_by_one(samples: int, batch_size: int) -> None:
    source = recording(samples)
    total, count = np.zeros(samples), np.zeros(samples)
    for start in window_starts(samples, SPEC).tolist():
        window = np.zeros((19, 32))
        valid = source.signal[:, start : start + 32] * SCALE
        window[:, : valid.shape[1]] = valid
        probability = sigmoid(window.mean(axis=0) * np.linspace(-1, 1, 32))
        total[start : start + 32] += probability[: valid.shape[1]]
        count[start : start + 32] += 1
    found = predictor(PlaceWise(), batch_size).predict(source, samples)
    assert np.allclose(found, total / count, atol=1e-6)


def test_every_sample_gets_the_probability_of_its_own_signal() -> None:
    source = recording(333)
    found = predictor(SampleWise()).predict(source, 333)
    signal = source.signal * SCALE
    assert found.dtype == np.float32
    assert np.allclose(found, sigmoid(signal[0] - 2 * signal[18]), atol=1e-6)


def test_half_precision_gives_nearly_the_same_in_float32() -> None:
    torch.manual_seed(0)
    detector = nn.Sequential(nn.Conv1d(19, 1, 5, padding=2), nn.Flatten())
    whole, half = (
        dataclasses.replace(predictor(detector), precision=precision).predict(recording(200), 200)
        for precision in ("fp32", "bf16")
    )
    assert half.dtype == np.float32
    assert 0 < np.abs(whole - half).max() < 0.02


def test_each_window_is_read_once_and_in_order() -> None:
    source = recording(333)
    predictor(SampleWise()).predict(source, 333)
    assert source.reads == window_starts(333, SPEC).tolist()


def test_progress_counts_windows() -> None:
    told: list[tuple[int, int]] = []
    predictor(SampleWise(), batch_size=4).predict(recording(100), 100, lambda done, of: told.append((done, of)))
    assert told == [(4, 10), (8, 10), (10, 10)]


def test_prediction_is_made_in_evaluation_mode() -> None:
    detector = nn.Sequential(nn.Dropout(0.5), SampleWise())
    once = predictor(detector).predict(recording(100), 100)
    assert np.array_equal(once, predictor(detector).predict(recording(100), 100))


def test_a_network_that_overflows_gives_nan_where_it_does_and_not_an_answer() -> None:
    class Broken(nn.Module):
        def forward(self, signal: Tensor) -> Tensor:
            return signal[:, 0] * float("nan")

    assert np.isnan(predictor(Broken()).predict(recording(50), 50)).all()
