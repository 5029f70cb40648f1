from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgb.config import DataConfig, SignalConfig
from bgb.data.recording import Interval
from bgb.data.windows import (
    ClassCounts,
    WindowClass,
    WindowSpec,
    classify,
    count_classes,
    seizure_mask,
    window_starts,
)
from bgb.errors import ConfigError

SPEC = WindowSpec(window_samples=60 * 256, stride_samples=10 * 256, sample_rate_hz=256)


@st.composite
def specs(draw: st.DrawFn) -> WindowSpec:
    window = draw(st.integers(1, 40))
    return WindowSpec(
        window_samples=window,
        stride_samples=draw(st.integers(1, window)),
        sample_rate_hz=draw(st.sampled_from([1, 3, 4])),
    )


@st.composite
def intervals(draw: st.DrawFn) -> tuple[Interval, ...]:
    """In any order, touching, overlapping, empty, before the start and beyond the end."""
    ends = draw(st.lists(st.tuples(st.integers(-20, 300), st.integers(0, 200)), max_size=5))
    return tuple(Interval(start_seconds=start / 4, stop_seconds=(start + length) / 4) for start, length in ends)


def in_seizure(seizures: tuple[Interval, ...], sample: int, rate: int) -> bool:
    """By the definition: the time of the sample lies in a half-open interval."""
    return any(item.start_seconds * rate <= sample < item.stop_seconds * rate for item in seizures)


def class_by_counting(seizures: tuple[Interval, ...], start: int, n_samples: int, spec: WindowSpec) -> WindowClass:
    valid = range(start, min(start + spec.window_samples, n_samples))
    share = sum(in_seizure(seizures, sample, spec.sample_rate_hz) for sample in valid) / len(valid)
    if share == 0:
        return WindowClass.NO_SEIZURE
    return WindowClass.FULL_SEIZURE if share >= 0.99 else WindowClass.PARTIAL_SEIZURE


@given(spec=specs(), n_samples=st.integers(1, 400))
def test_every_sample_is_in_a_window_and_every_window_in_the_recording(spec: WindowSpec, n_samples: int) -> None:
    starts = window_starts(n_samples, spec).tolist()
    covered = {sample for start in starts for sample in range(start, start + spec.window_samples)}
    assert covered >= set(range(n_samples))
    assert starts == sorted(set(starts))
    if n_samples >= spec.window_samples:
        assert starts[-1] == n_samples - spec.window_samples
        assert all(later - earlier <= spec.stride_samples for earlier, later in itertools.pairwise(starts))
        assert starts[:-1] == [spec.stride_samples * i for i in range(len(starts) - 1)]
    else:
        assert starts == [0]


@settings(max_examples=150)
@given(spec=specs(), n_samples=st.integers(1, 300), seizures=intervals())
def test_classes_are_what_counting_samples_gives(
    spec: WindowSpec, n_samples: int, seizures: tuple[Interval, ...]
) -> None:
    expected = [
        class_by_counting(seizures, start, n_samples, spec) for start in window_starts(n_samples, spec).tolist()
    ]
    assert classify(seizures, n_samples, spec).tolist() == expected


@given(start=st.integers(0, 200), length=st.integers(1, 200), rate=st.sampled_from([1, 3, 4]), seizures=intervals())
def test_a_mask_is_what_looking_at_each_sample_gives(
    start: int, length: int, rate: int, seizures: tuple[Interval, ...]
) -> None:
    expected = [in_seizure(seizures, sample, rate) for sample in range(start, start + length)]
    assert seizure_mask(seizures, start, length, rate).tolist() == expected


def test_a_window_wholly_inside_a_seizure_is_positive() -> None:
    """A published data set left such windows out of the positives, as no boundary lies in them."""
    seizures = (Interval(start_seconds=20, stop_seconds=200),)
    classes = classify(seizures, 300 * 256, SPEC)
    starts = window_starts(300 * 256, SPEC) / 256
    assert set(starts[classes == WindowClass.FULL_SEIZURE]) == {float(s) for s in range(20, 141, 10)}
    assert seizure_mask(seizures, 60 * 256, 60 * 256, 256).all()


def test_a_short_recording_is_classed_by_the_samples_it_has() -> None:
    seizures = (Interval(start_seconds=0, stop_seconds=5),)
    assert classify(seizures, 5 * 256, SPEC).tolist() == [WindowClass.FULL_SEIZURE]
    assert classify(seizures, 10 * 256, SPEC).tolist() == [WindowClass.PARTIAL_SEIZURE]


@pytest.mark.parametrize(("seconds", "expected"), [(59.3, "PARTIAL_SEIZURE"), (59.5, "FULL_SEIZURE")])
def test_ninety_nine_percent_of_a_window_is_full(seconds: float, expected: str) -> None:
    (found,) = classify((Interval(start_seconds=0, stop_seconds=seconds),), 60 * 256, SPEC).tolist()
    assert WindowClass(found).name == expected


def test_an_end_that_binary_fractions_miss_by_a_hair_means_its_sample() -> None:
    assert seizure_mask((Interval(start_seconds=0.1 + 0.2, stop_seconds=9),), 299, 3, 1000).tolist() == [0, 1, 1]


def test_a_recording_without_samples_gives_no_window() -> None:
    assert len(window_starts(0, SPEC)) == len(classify((), 0, SPEC)) == 0


def test_classes_are_counted() -> None:
    counts = count_classes(np.array([0, 0, 1, 2, 2, 2], np.int8))
    assert counts == ClassCounts(no_seizure=2, partial_seizure=1, full_seizure=3)
    assert counts.total == 6
    assert count_classes(np.empty(0, np.int8)).total == 0


def test_a_configuration_gives_its_windows_in_samples() -> None:
    assert WindowSpec.from_config(DataConfig(), SignalConfig()) == SPEC


def test_a_stride_that_would_skip_samples_is_refused() -> None:
    with pytest.raises(ConfigError, match="never seen"):
        WindowSpec.from_config(DataConfig(window_seconds=10, stride_seconds=20), SignalConfig())


@pytest.mark.parametrize("name", ["window_seconds", "stride_seconds"])
def test_a_length_of_no_whole_number_of_samples_is_refused_by_name(name: str) -> None:
    values = {"window_seconds": 60.0, "stride_seconds": 10.0, name: 5.001}
    with pytest.raises(ConfigError, match=f"data.{name}"):
        WindowSpec.from_config(DataConfig.model_validate(values), SignalConfig())
