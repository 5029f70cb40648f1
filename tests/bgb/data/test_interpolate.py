from __future__ import annotations

import mne
import numpy as np
import pytest

from bgb.data.interpolate import interpolate_missing
from bgb.data.montage import CHANNELS


@pytest.mark.parametrize("missing", [("Fz",), ("Pz",), ("Fz", "Pz")])
def test_interpolation_equals_that_of_mne_on_the_signal_itself(missing: tuple[str, ...]) -> None:
    signal = np.random.default_rng(0).normal(0, 30, (19, 500)).astype(np.float32)
    with mne.use_log_level("error"):
        raw = mne.io.RawArray(signal.astype(np.float64), mne.create_info(list(CHANNELS), 250.0, "eeg"))
        raw.set_montage("standard_1020")
        raw.info["bads"] = list(missing)
        raw.interpolate_bads()
    np.testing.assert_allclose(interpolate_missing(signal, missing), raw.get_data(), rtol=1e-5, atol=1e-4)


def test_the_other_channels_and_the_input_stay_as_they_are() -> None:
    signal = np.random.default_rng(0).normal(0, 30, (19, 50)).astype(np.float32)
    before = signal.copy()
    filled = interpolate_missing(signal, ("Pz",))
    np.testing.assert_array_equal(signal, before)
    others = [row for row, name in enumerate(CHANNELS) if name != "Pz"]
    np.testing.assert_array_equal(filled[others], signal[others])


def test_a_field_that_is_the_same_everywhere_is_the_same_there_too() -> None:
    signal = np.full((19, 3), 40, dtype=np.float32)
    signal[CHANNELS.index("Fz")] = 0
    np.testing.assert_allclose(interpolate_missing(signal, ("Fz",)), 40, rtol=1e-3)
