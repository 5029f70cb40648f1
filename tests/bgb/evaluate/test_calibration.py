from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgb.config import EvaluateConfig
from bgb.data.recording import Interval
from bgb.evaluate.bootstrap import Estimate
from bgb.evaluate.calibration import BINS, calibration_bins, calibration_error, reliability, share_in
from bgb.evaluate.metrics import Tally, tally_recording


def tally(probability: list[float], seizure_seconds: int) -> Tally:
    """One value a second."""
    seizures = (Interval(start_seconds=0, stop_seconds=seizure_seconds),) if seizure_seconds else ()
    return tally_recording(np.array(probability, np.float32), seizures, 1, EvaluateConfig())


@given(values=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50), share=st.floats(0, 1))
def test_the_error_is_that_of_the_values_in_tenths(values: list[float], share: float) -> None:
    # Away from the edges of tenths, where a fine bin may fall on either side.
    values = [value for value in values if abs(value * BINS - round(value * BINS)) > 0.05] or [0.55]
    seizures = int(share * len(values))
    told, label = np.array(values), np.arange(len(values)) < seizures
    inside = np.minimum((told * BINS).astype(int), BINS - 1)
    expected = sum(
        abs(label[inside == index].mean() - told[inside == index].mean()) * (inside == index).sum()
        for index in set(inside.tolist())
    )
    assert calibration_error(tally(values, seizures)) == pytest.approx(expected / len(values), abs=4e-3)


def test_what_says_seven_in_ten_and_is_right_is_calibrated() -> None:
    seven_in_ten = tally([0.7] * 10, 7)
    assert calibration_error(seven_in_ten) == pytest.approx(0, abs=4e-3)
    index = int(np.flatnonzero(reliability(seven_in_ten).samples)[0])
    assert share_in(index)(seven_in_ten) == pytest.approx(0.7)


def test_bins_without_samples_are_left_out() -> None:
    found = calibration_bins(tally([0.05, 0.95, 0.95, 0.95], 1), (Estimate(value=None),) * BINS)
    assert [item.share_of_samples for item in found] == [0.25, 0.75]
    assert [item.mean_probability for item in found] == pytest.approx([0.05, 0.95], abs=4e-3)
    assert share_in(5)(tally([0.05], 0)) is None


def test_nothing_counted_has_no_error() -> None:
    assert calibration_error(Tally.empty()) is None
