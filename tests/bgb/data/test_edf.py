from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgb.data.edf import checked_rate_hz, read_header, read_signals_uv, repair_clock
from bgb.errors import RecordingRefused
from tests.bgb.data.edf_bytes import TUSZ_LABELS, edf_bytes, eeg_digital


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.edf"


def refusal(path: Path, content: bytes, *, index: int = 0) -> RecordingRefused:
    path.write_bytes(content)
    with pytest.raises(RecordingRefused) as caught:
        read_signals_uv(read_header(path), [index])
    return caught.value


def test_a_sound_header_is_read_as_it_stands(path: Path) -> None:
    path.write_bytes(edf_bytes(header={"startdate": "24.12.03", "starttime": "16.13.59"}))
    header = read_header(path)
    assert header.start == datetime(2003, 12, 24, 16, 13, 59)
    assert header.seconds == 5.0
    assert [signal.label for signal in header.signals] == list(TUSZ_LABELS)
    assert header.repaired == ()


def test_signals_equal_those_of_mne(path: Path) -> None:
    signals = {"physical_min": {3: "-187.5", 4: "100"}, "physical_max": {3: "200", 4: "-50.25"}}
    path.write_bytes(edf_bytes(signals=signals))
    expected = mne.io.read_raw_edf(path, preload=True, verbose="error").get_data() * 1e6
    found = read_signals_uv(read_header(path), range(20))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-7, atol=1e-5)


@given(
    physical=st.tuples(st.integers(-99999, 99999), st.integers(-99999, 99999)).filter(lambda ends: ends[0] != ends[1]),
    digital=st.tuples(st.integers(-32768, 32767), st.integers(-32768, 32767)).filter(lambda ends: ends[0] < ends[1]),
    values=st.lists(st.integers(-32768, 32767), min_size=1, max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_any_scale_gives_the_value_of_the_formula(
    tmp_path_factory: pytest.TempPathFactory,
    physical: tuple[int, int],
    digital: tuple[int, int],
    values: list[int],
) -> None:
    path = tmp_path_factory.mktemp("edf") / "one.edf"
    signals = {
        "physical_min": str(physical[0] / 10),
        "physical_max": str(physical[1] / 10),
        "digital_min": str(digital[0]),
        "digital_max": str(digital[1]),
    }
    stored = np.array(values, dtype=np.int16)
    path.write_bytes(edf_bytes([stored], labels=["EEG CZ-REF"], n_records=1, signals=signals))
    gain = (physical[1] - physical[0]) / 10 / (digital[1] - digital[0])
    expected = (stored.astype(np.float64) - digital[0]) * gain + physical[0] / 10
    found = read_signals_uv(read_header(path), [0])[0]
    # Two roundings of float32, of the value itself and of the fraction of a step that the offset leaves.
    assert np.all(np.abs(found - expected) <= 2.4e-7 * np.abs(expected) + 1e-7 * abs(gain))


def test_a_large_offset_costs_no_digits(path: Path) -> None:
    """The amplifier of mne_stim_channel.edf: a range of 25 uV around 176,000."""
    signals = {"physical_min": "175921", "physical_max": "175946"}
    stored = eeg_digital(1, 250)
    path.write_bytes(edf_bytes(stored, labels=["EEG CZ-REF"], n_records=1, signals=signals))
    expected = (stored[0].astype(np.float64) + 32768) * (25 / 65535) + 175921
    np.testing.assert_allclose(read_signals_uv(read_header(path), [0])[0], expected, rtol=1.2e-7)


def test_signals_of_other_rates_beside_the_wanted_ones_are_fine(path: Path) -> None:
    digital = [*eeg_digital(2, 1250), *eeg_digital(1, 5), *eeg_digital(1, 1250, seed=1)]
    path.write_bytes(edf_bytes(digital, labels=["EEG FP1-REF", "EEG FP2-REF", "IBI", "EEG CZ-REF"]))
    header = read_header(path)
    assert checked_rate_hz(header, [0, 1, 3]) == 250.0
    np.testing.assert_allclose(read_signals_uv(header, [3])[0], digital[3] * 0.1, atol=1e-4)


def test_wanted_signals_of_two_rates_are_refused_with_both(path: Path) -> None:
    path.write_bytes(edf_bytes([*eeg_digital(1, 1250), *eeg_digital(1, 2560)], labels=["EEG FP1-REF", "EEG FP2-REF"]))
    with pytest.raises(
        RecordingRefused, match=r"samples_per_record: .*250 Hz \(EEG FP1-REF\) and 512 Hz \(EEG FP2-REF\)"
    ):
        checked_rate_hz(read_header(path), [0, 1])


def test_a_record_of_broken_length_gives_the_rate_it_means(path: Path) -> None:
    path.write_bytes(edf_bytes(eeg_digital(1, 1228), labels=["Cz"], n_records=1, header={"record_seconds": "9.59375"}))
    header = read_header(path)
    assert checked_rate_hz(header, [0]) == 128.0
    assert header.seconds == 9.59375


@pytest.mark.parametrize(
    ("unit", "factor"), [("uV", 1), ("\xb5V", 1), ("\xc2\xb5V", 1), ("\xce\xbcV", 1), ("mV", 1e3), ("V", 1e6)]
)
def test_units_of_voltage_become_microvolts(path: Path, unit: str, factor: float) -> None:
    stored = eeg_digital(1, 250)
    path.write_bytes(edf_bytes(stored, labels=["Cz"], n_records=1, signals={"physical_dimension": unit}))
    expected = stored[0] * 0.1 * factor
    np.testing.assert_allclose(read_signals_uv(read_header(path), [0])[0], expected, rtol=1e-6, atol=1e-5 * factor)


@pytest.mark.parametrize("unit", ["", "uv", "MV", "DegC", "%"])
def test_any_other_unit_is_refused_with_the_channel(path: Path, unit: str) -> None:
    error = refusal(path, edf_bytes(signals={"physical_dimension": {2: unit}}), index=2)
    assert error.field == "physical_dimension"
    assert f"signal 2 (EEG F3-REF) has {unit!r}" in error.message


def test_a_strange_unit_of_a_channel_that_is_not_wanted_refuses_nothing(path: Path) -> None:
    path.write_bytes(edf_bytes(signals={"physical_dimension": {19: "bpm"}, "physical_min": {19: "?"}}))
    assert read_signals_uv(read_header(path), range(19)).shape == (19, 1250)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("physical_min", "3276.7"),
        ("physical_min", "nan"),
        ("physical_max", "inf"),
        ("physical_max", "1e999"),
        ("physical_min", ""),
        ("physical_max", "5,000"),
        ("digital_min", "32767"),
        ("digital_min", "40000"),
        ("digital_max", "1_000"),
    ],
)
def test_a_calibration_without_a_meaning_is_refused_by_its_field(path: Path, field: str, text: str) -> None:
    error = refusal(path, edf_bytes(signals={field: {0: text}}))
    assert error.field == field
    assert text in error.message


def test_decimal_commas_are_read_and_told(path: Path) -> None:
    path.write_bytes(edf_bytes(signals={"physical_min": "-3276,8", "physical_max": "3276,7"}))
    header = read_header(path)
    assert "physical_min: decimal comma read as a point in 20 signals" in header.repaired
    assert np.ptp(read_signals_uv(header, [0])) > 50


def test_a_physical_range_upside_down_turns_the_signal_as_the_standard_says(path: Path) -> None:
    stored = eeg_digital(1, 250)
    signals = {"physical_min": "3276.7", "physical_max": "-3276.8"}
    path.write_bytes(edf_bytes(stored, labels=["Cz"], n_records=1, signals=signals))
    expected = mne.io.read_raw_edf(path, preload=True, verbose="error").get_data()[0] * 1e6
    np.testing.assert_allclose(read_signals_uv(read_header(path), [0])[0], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("found", "start"),
    [
        ("01:02:99", datetime(1999, 2, 1)),
        ("1.2.03", datetime(2003, 2, 1)),
        ("42.00.00", datetime(1985, 1, 1)),
        ("", datetime(1985, 1, 1)),
        ("31.02.10", datetime(1985, 1, 1)),
        ("xx.yy.zz", datetime(1985, 1, 1)),
    ],
)
def test_an_odd_date_is_repaired_in_memory_and_the_file_is_left_alone(path: Path, found: str, start: datetime) -> None:
    content = edf_bytes(header={"startdate": found})
    path.write_bytes(content)
    header = read_header(path)
    assert header.start == start
    assert header.repaired == (f"startdate: {found!r} read as {start:%d.%m.%y}",)
    assert path.read_bytes() == content


def test_an_odd_time_keeps_what_is_possible_of_it(path: Path) -> None:
    path.write_bytes(edf_bytes(header={"starttime": "12:30:05"}))
    assert read_header(path).start.time().isoformat() == "12:30:05"
    path.write_bytes(edf_bytes(header={"starttime": "25.61.99"}))
    assert read_header(path).repaired == ("starttime: '25.61.99' read as 00.00.00",)


@given(st.binary(min_size=256, max_size=300))
@settings(max_examples=200, deadline=None)
def test_repair_changes_nothing_but_date_and_time(raw: bytes) -> None:
    repaired, _ = repair_clock(raw)
    assert repaired[:168] + repaired[184:] == raw[:168] + raw[184:]
    assert re.fullmatch(rb"\d\d\.\d\d\.\d\d\d\d\.\d\d\.\d\d", repaired[168:184])
    assert repair_clock(repaired) == (repaired, ())


def test_a_count_of_minus_one_is_taken_from_the_size(path: Path) -> None:
    path.write_bytes(edf_bytes(header={"n_records": "-1"}) + b"\0" * 100)
    header = read_header(path)
    assert header.n_records == 5
    assert header.repaired == (
        "n_records: -1 read as 5, from the size of the file",
        "n_records: 100 bytes after the last whole record ignored",
    )


def test_bytes_after_the_last_record_change_nothing_and_are_told(path: Path) -> None:
    path.write_bytes(edf_bytes() + b"\n")
    header = read_header(path)
    assert header.n_records == 5
    assert header.repaired == ("n_records: 1 bytes after the last whole record ignored",)


def test_a_cut_file_is_refused_with_both_sizes(path: Path) -> None:
    error = refusal(path, edf_bytes()[:-1000])
    assert error.field == "n_records"
    assert "5 records" in error.message
    assert "50,000 bytes" in error.message
    assert "49,000" in error.message


def test_whole_records_too_few_or_too_many_are_refused(path: Path) -> None:
    assert "5.00 records): the file was cut" in refusal(path, edf_bytes(header={"n_records": "10"})).message
    assert "the count cannot be believed" in refusal(path, edf_bytes(header={"n_records": "4"})).message


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ({"n_records": "0"}, "n_records"),
        ({"n_records": "-2"}, "n_records"),
        ({"n_records": "five"}, "n_records"),
        ({"record_seconds": "0"}, "record_seconds"),
        ({"record_seconds": "-1"}, "record_seconds"),
        ({"record_seconds": "nan"}, "record_seconds"),
        ({"header_bytes": "5632"}, "header_bytes"),
        ({"header_bytes": ""}, "header_bytes"),
        ({"n_signals": "0"}, "n_signals"),
        ({"n_signals": "x"}, "n_signals"),
        ({"n_signals": "9999"}, "file"),
        ({"reserved": "EDF+D"}, "reserved"),
        ({"version": "1"}, "version"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused_by_its_field(
    path: Path, header: dict[str, str], field: str
) -> None:
    assert refusal(path, edf_bytes(header=header)).field == field


def test_a_signal_without_samples_is_refused(path: Path) -> None:
    assert refusal(path, edf_bytes(signals={"samples_per_record": {1: "0"}})).field == "samples_per_record"


@pytest.mark.parametrize(
    ("content", "field", "says"),
    [
        (b"", "file", "empty"),
        (edf_bytes()[:100], "file", "100 of 256 bytes"),
        (edf_bytes()[:256], "file", "256 of 5,376 bytes"),
        (b"\xffBIOSEMI" + edf_bytes()[8:], "version", "BDF"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "version", "Git LFS"),
        (b"<!DOCTYPE html><html></html>", "version", "HTML"),
        (b"channel,start_time", "version", "not EDF"),
    ],
)
def test_what_is_not_a_whole_edf_file_is_told_for_what_it_is(path: Path, content: bytes, field: str, says: str) -> None:
    error = refusal(path, content)
    assert error.field == field
    assert says in error.message


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.edf"):
        with pytest.raises(RecordingRefused, match="file: cannot be read"):
            read_header(path)


def test_a_file_that_shrinks_after_its_header_was_read_is_refused(path: Path) -> None:
    path.write_bytes(edf_bytes())
    header = read_header(path)
    path.write_bytes(edf_bytes()[:20_000])
    with pytest.raises(RecordingRefused, match="changed since"):
        read_signals_uv(header, [0])
