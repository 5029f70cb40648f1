from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bgb.data.montage import CHANNELS
from bgb.data.recording import Interval
from bgb.data.simulated_eeg import SeizureKind, SimulatedSeizure, Traits, draw_traits, involved, simulate_eeg

KINDS: tuple[SeizureKind, ...] = ("fnsz", "cpsz", "gnsz", "tcsz")
RATE = 250


@pytest.fixture
def calm() -> Traits:
    """Someone without artefacts and with little background, so that a seizure stands alone."""
    traits = draw_traits(np.random.default_rng(0), epileptic=True)
    return dataclasses.replace(
        traits, background_uv=2, alpha_uv=2, slowing_uv=0, spikes_per_minute=0, artefacts_per_minute=0, focus="T3"
    )


def seizure(kind: SeizureKind, *, start: float = 20, stop: float = 70) -> SimulatedSeizure:
    return SimulatedSeizure(interval=Interval(start_seconds=start, stop_seconds=stop), kind=kind, focus="T3")


def main_hz(signal: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    power = np.abs(np.fft.rfft(signal - signal.mean())) ** 2
    return float(np.fft.rfftfreq(len(signal), 1 / RATE)[power.argmax()])


@pytest.mark.parametrize("kind", KINDS)
def test_a_seizure_is_strong_while_it_lasts_and_slow_waves_follow(calm: Traits, kind: SeizureKind) -> None:
    signal = simulate_eeg(np.random.default_rng(1), calm, (seizure(kind),), 90, RATE)
    assert signal.shape == (19, 90 * RATE)
    near = signal[CHANNELS.index("T3")]
    before, during, after = near[: 19 * RATE], near[40 * RATE : 68 * RATE], near[71 * RATE : 75 * RATE]
    assert during.std() > 4 * before.std()
    assert main_hz(after) < 4


def test_a_focal_seizure_slows_grows_and_spreads(calm: Traits) -> None:
    signal = simulate_eeg(np.random.default_rng(1), calm, (seizure("cpsz"),), 90, RATE)
    early, late = (slice(at * RATE, (at + 8) * RATE) for at in (23, 58))
    near, far = signal[CHANNELS.index("T3")], signal[CHANNELS.index("P3")]
    assert main_hz(near[early]) > 1.5 * main_hz(near[late])
    assert near[late].std() > 1.5 * near[early].std()
    assert far[late].std() / near[late].std() > 2 * far[early].std() / near[early].std()


def test_a_clonic_phase_slows_down_to_about_one_jerk_a_second(calm: Traits) -> None:
    signal = simulate_eeg(np.random.default_rng(1), calm, (seizure("tcsz"),), 90, RATE)
    tonic, clonic = (
        signal[CHANNELS.index("T3")][30 * RATE : 35 * RATE],
        signal[CHANNELS.index("T3")][62 * RATE : 69 * RATE],
    )
    assert main_hz(tonic) > 6
    assert main_hz(clonic) < 4


def test_a_seizure_reaches_its_focus_at_once_and_others_later_or_never() -> None:
    reached = involved(seizure("fnsz"))
    assert reached["T3"] == 0
    assert 0 < reached["C3"] < 50
    assert "T4" not in reached
    assert set(involved(seizure("gnsz"))) == set(CHANNELS)


def test_a_seizure_that_outlasts_the_recording_is_cut(calm: Traits) -> None:
    assert simulate_eeg(np.random.default_rng(1), calm, (seizure("fnsz", start=50, stop=80),), 60, RATE).shape == (
        19,
        15000,
    )


def test_artefacts_come_often_and_leave_the_signal_finite() -> None:
    traits = dataclasses.replace(draw_traits(np.random.default_rng(0), epileptic=False), artefacts_per_minute=30)
    signal = simulate_eeg(np.random.default_rng(1), traits, (), 120, RATE)
    calm = simulate_eeg(np.random.default_rng(1), dataclasses.replace(traits, artefacts_per_minute=0), (), 120, RATE)
    assert np.isfinite(signal).all()
    assert signal.std() > 1.3 * calm.std()
