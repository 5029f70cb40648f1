from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal as scipy_signal

from bgb.config import SignalConfig
from bgb.data import signal
from bgb.data.signal import SignalSettings, process, process_to_int16, resampled_length, to_int16
from bgb.errors import ConfigError, DataError

SETTINGS = SignalSettings()
RATES = (128.0, 199.7, 250.0, 256.0, 400.0, 500.0, 512.0, 1000.0)


def plain(signal_uv: NDArray[np.float32], rate: float) -> NDArray[np.float64]:
    """The obvious way, all in float64; constant channels excepted, which it turns into a step's echo."""
    length = resampled_length(signal_uv.shape[1], rate, 256)
    out = scipy_signal.resample(signal_uv.astype(np.float64), length, axis=1)
    out = scipy_signal.sosfilt(scipy_signal.butter(3, (0.5, 120.0), "bandpass", fs=256, output="sos"), out, axis=1)
    out = scipy_signal.lfilter(*scipy_signal.iirnotch(60.0, 30.0, fs=256), out, axis=1)
    out = (out - out.mean(axis=1, keepdims=True)) / out.std(axis=1, keepdims=True)
    clipped: NDArray[np.float64] = np.clip(out, -10, 10)
    return clipped


def noise(channels: int, samples: int, seed: int = 0) -> NDArray[np.float32]:
    return (30 * np.random.default_rng(seed).standard_normal((channels, samples))).astype(np.float32)


Kind = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]

KINDS: dict[str, Kind] = {
    "white": lambda noise, time: noise,
    "offset far above the EEG": lambda noise, time: noise + 5e4,
    "slow drift": lambda noise, time: noise + 9e3 * np.sin(2 * np.pi * 0.02 * time),
    "line far above the EEG": lambda noise, time: noise + 6e3 * np.sin(2 * np.pi * 60 * time),
    "random walk": lambda noise, time: np.cumsum(noise),
    "twice integrated": lambda noise, time: np.cumsum(np.cumsum(noise)),
    "one spike": lambda noise, time: np.where(np.arange(len(noise)) == len(noise) // 2, 1e5, 0) + 1e-3 * noise,
    "nanovolts": lambda noise, time: 1e-3 * noise,
    "volts": lambda noise, time: 1e6 * noise,
}


def mixture(samples: int, rate: float, seed: int) -> NDArray[np.float32]:
    """A channel of each kind, so that very unlike channels are processed side by side."""
    sources = noise(len(KINDS), samples, seed).astype(np.float64)
    time = np.arange(samples) / rate
    return np.array([kind(row, time) for kind, row in zip(KINDS.values(), sources, strict=True)], np.float32)


@settings(max_examples=30, deadline=None)
@given(rate=st.sampled_from(RATES), samples=st.integers(20, 9_000), seed=st.integers(0, 1_000))
def test_the_result_is_that_of_plain_float64_scipy_up_to_both_edges(rate: float, samples: int, seed: int) -> None:
    recording = mixture(samples, rate, seed)
    expected = plain(recording, rate)
    assert np.abs(process(recording, rate, SETTINGS) - expected).max() < 1e-5
    stored = process_to_int16(recording, rate, SETTINGS)
    assert np.abs(stored * SETTINGS.scale - expected).max() < 2e-4


@pytest.mark.parametrize("seconds", [601, 634])
def test_lengths_with_a_large_prime_factor_are_as_exact(seconds: int) -> None:
    recording = noise(3, 250 * seconds)
    assert np.abs(process(recording, 250.0, SETTINGS) - plain(recording, 250.0)).max() < 1e-5


@settings(max_examples=30, deadline=None)
@given(
    rate=st.sampled_from((100, 128, 250, 400, 500, 512, 1000)),
    seconds=st.integers(1, 67),
    channels=st.integers(1, 3),
    seed=st.integers(0, 1_000),
)
def test_whole_seconds_are_transformed_in_two_steps_and_come_out_the_same(
    rate: int, seconds: int, channels: int, seed: int
) -> None:
    recording = noise(channels, rate * seconds, seed)
    if seconds > 1:
        assert signal._steps(rate * seconds, 256 * seconds) is not None
    assert np.abs(process(recording, rate, SETTINGS) - plain(recording, rate)).max() < 1e-5


def test_storing_without_the_float_signal_gives_the_same_bytes() -> None:
    recording = noise(19, 250 * 20)
    np.testing.assert_array_equal(
        process_to_int16(recording, 250.0, SETTINGS), to_int16(process(recording, 250.0, SETTINGS), SETTINGS)
    )


def test_a_channel_depends_on_no_other_beyond_rounding() -> None:
    recording = noise(19, 250 * 20)
    louder = recording.copy()
    louder[0] *= 1e6
    assert np.abs(process(recording, 250.0, SETTINGS)[1:] - process(louder, 250.0, SETTINGS)[1:]).max() < 1e-5


@pytest.mark.parametrize("level", [0.0, 5.0, -3e7])
def test_a_flat_channel_becomes_zeros_and_its_neighbours_do_not(level: float) -> None:
    recording = noise(3, 2500)
    recording[1] = level
    processed = process(recording, 250.0, SETTINGS)
    assert not processed[1].any()
    assert processed[[0, 2]].std(axis=1) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_the_shortest_recordings_are_finite(samples: int) -> None:
    assert np.isfinite(process(noise(19, samples), 250.0, SETTINGS)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_a_sample_that_is_not_finite_is_an_error_and_not_spread_over_the_channel(bad: float) -> None:
    recording = noise(2, 500)
    recording[1, 100] = bad
    with pytest.raises(DataError, match="not finite"):
        process(recording, 250.0, SETTINGS)


def test_the_signal_is_clipped_and_fills_the_range_of_int16() -> None:
    recording = noise(1, 60_000)
    recording[0, 30_000] = 1e6
    assert process(recording, 256.0, SETTINGS).max() == 10
    assert process_to_int16(recording, 256.0, SETTINGS).max() == 32767


def test_the_digest_follows_every_setting() -> None:
    variants = [
        SETTINGS,
        SignalSettings(sample_rate_hz=512),
        SignalSettings(bandpass_hz=(0.5, 100.0)),
        SignalSettings(notch_hz=50.0),
        SignalSettings(clip_sigma=8.0),
    ]
    assert len({variant.digest() for variant in variants}) == len(variants)
    assert SETTINGS.digest() == SignalSettings.from_config(SignalConfig()).digest()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"bandpass_hz": (0.5, 128.0)}, "bandpass"),
        ({"bandpass_hz": (30.0, 3.0)}, "bandpass"),
        ({"notch_hz": 128.0}, "notch"),
    ],
)
def test_filters_that_the_rate_cannot_carry_are_refused_by_name(arguments: dict[str, object], name: str) -> None:
    with pytest.raises(ConfigError, match=f"signal.{name}"):
        SignalSettings(**arguments)  # type: ignore[arg-type]


def test_lengths_round_to_the_nearest_sample_and_never_to_none() -> None:
    assert resampled_length(250 * 601, 250.0, 256) == 256 * 601
    assert resampled_length(1, 1000.0, 256) == 1
    assert resampled_length(0, 250.0, 256) == 0
