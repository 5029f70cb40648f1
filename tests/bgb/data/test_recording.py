from __future__ import annotations

from pathlib import Path

import mne
import numpy as np
import pytest
from numpy.typing import NDArray

from bgb.data.recording import CHANNELS, Channels, Interval, Recording, open_recording, read_recording
from bgb.errors import RecordingRefused
from tests.bgb.data.edf_bytes import TUSZ_LABELS, edf_bytes, eeg_digital

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"

# What becomes of each file: the repaired fields, interpolated and flat channels of one that is read, or the field by
# which it is refused.
EXPECTED: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]] | str] = {
    "odd/T7_T8_P7_P8_labels.edf": ((), (), ()),
    "odd/all-zero_channel.edf": ((), (), ("Fp1",)),
    "odd/date_42.00.00.edf": (("startdate",), (), ()),
    "odd/date_colons_01-01-85.edf": (("startdate",), (), ()),
    "odd/dimension_blank.edf": "physical_dimension",
    "odd/dimension_mV.edf": "amplitude",
    "odd/duplicate_label_FP1.edf": "label",
    "odd/empty_file.edf": "file",
    "odd/extra_trailing_1000_bytes.edf": (("n_records",), (), ()),
    "odd/header_only_cut_at_256.edf": "file",
    "odd/missing_FP1_renamed_X1.edf": "label",
    "odd/missing_FZ_renamed_X1.edf": ((), ("Fz",), ()),
    "odd/n_records_-1.edf": (("n_records",), (), ()),
    "odd/n_records_0_no_data.edf": "n_records",
    "odd/ok.edf": ((), (), ()),
    "odd/physical_min_equals_max.edf": "physical_min",
    "odd/time_25.61.99.edf": (("starttime",), (), ()),
    "odd/time_colons.edf": (("starttime",), (), ()),
    "odd/truncated_mid-record.edf": "n_records",
    "real/edfio_hypnogram_annotations_only.edf": "record_seconds",
    "real/edfio_short_psg.edf": "label",
    "real/edfjl_date_42_00_00.edf": "label",
    "real/eegmat_subject00_rest.edf": ((), (), ()),
    "real/eegmat_subject00_task.edf": ((), (), ()),
    "real/mne_duplicate_labels.edf": "label",
    "real/mne_stim_channel.edf": "amplitude",
    "real/mne_uneven_rates.edf": "label",
    "real/pyedflib_utf8.edf": "label",
}


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"shared/data/{name} is not on this machine")
    return path


def by_mne(path: Path, recording: Recording[NDArray[np.float32]]) -> NDArray[np.float64]:
    """The channels that the file holds, as MNE reads them, (channels, samples) in microvolts."""
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
    new = {"T7": "T3", "T8": "T4", "P7": "T5", "P8": "T6"}
    short = {name.upper().removeprefix("EEG ").removesuffix("-REF"): name for name in raw.ch_names}
    labels = {new.get(key, key): name for key, name in short.items()}
    present = [name for name in CHANNELS if name not in recording.interpolated]
    data: NDArray[np.float64] = raw.get_data([labels[name.upper()] for name in present])
    return data * 1e6


@pytest.mark.parametrize("name", EXPECTED)
def test_each_shared_file_is_read_right_or_refused_by_its_field(name: str) -> None:
    path, expected = shared(name), EXPECTED[name]
    if isinstance(expected, str):
        with pytest.raises(RecordingRefused) as caught:
            read_recording(path)
        assert caught.value.field == expected
        return
    recording = read_recording(path)
    assert tuple(note.split(":")[0] for note in recording.repaired) == expected[0]
    assert (recording.interpolated, recording.flat) == expected[1:]
    present = [row for row, channel in enumerate(CHANNELS) if channel not in recording.interpolated]
    # MNE raises on the time 25.61.99, whose samples are those of ok.edf.
    oracle = path.with_name("ok.edf") if name == "odd/time_25.61.99.edf" else path
    np.testing.assert_allclose(recording.signal_uv[present], by_mne(oracle, recording), rtol=2e-7, atol=1e-5)


def test_a_file_that_nobody_foresaw_is_read_or_refused_all_the_same() -> None:
    if not SHARED.is_dir():
        pytest.skip("shared/data is not on this machine")
    unread = []
    for path in sorted(SHARED.rglob("*.edf")):
        try:
            assert np.isfinite(read_recording(path).signal_uv).all()
        except RecordingRefused as error:
            unread.append(error)
    assert all(error.field and error.message for error in unread)


def test_an_interval_knows_its_length() -> None:
    assert Interval(start_seconds=1.5, stop_seconds=4.0).seconds == 2.5


def test_a_recording_has_its_channels_in_the_order_of_the_project(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    digital = eeg_digital(20, 1250)
    path.write_bytes(edf_bytes(digital))
    recording = read_recording(path)
    assert recording.signal_uv.shape == (19, 1250)
    assert recording.sample_rate_hz == 250.0
    for row, name in enumerate(CHANNELS):
        stored = digital[TUSZ_LABELS.index(f"EEG {name.upper()}-REF")]
        np.testing.assert_allclose(recording.signal_uv[row], stored * 0.1, atol=1e-4)


def test_a_missing_pz_is_made_from_its_neighbours_and_recorded(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    labels = [label for label in TUSZ_LABELS if label != "EEG PZ-REF"]
    common = eeg_digital(1, 1250)[0]
    path.write_bytes(edf_bytes([common] * 19, labels=labels))
    recording = read_recording(path)
    assert recording.interpolated == ("Pz",)
    np.testing.assert_allclose(recording.signal_uv[CHANNELS.index("Pz")], common * 0.1, rtol=1e-2, atol=0.1)


@pytest.mark.parametrize("missing", [(), ("EEG PZ-REF",), ("EEG FZ-REF", "EEG PZ-REF")])
def test_a_long_recording_is_decoded_as_it_is_asked_for_and_is_the_same(
    missing: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.edf"
    labels = [label for label in TUSZ_LABELS if label not in missing]
    digital = eeg_digital(len(labels), 1250)
    digital[labels.index("EEG CZ-REF")][:] = 77
    path.write_bytes(edf_bytes(digital, labels=labels))
    whole = read_recording(path)
    assert isinstance(open_recording(path).signal_uv, np.ndarray)
    monkeypatch.setattr("bgb.data.recording.LONG_SAMPLES", 1000)
    opened = open_recording(path)
    assert isinstance(opened.signal_uv, Channels)
    assert opened.signal_uv.shape == whole.signal_uv.shape
    for first in range(0, 19, 2):
        np.testing.assert_allclose(opened.signal_uv[first : first + 2], whole.signal_uv[first : first + 2], atol=1e-4)
    fields = ("sample_rate_hz", "interpolated", "repaired", "flat")
    assert [getattr(opened, name) for name in fields] == [getattr(whole, name) for name in fields]
    assert opened.flat == ("Cz",)


def test_dead_electrodes_are_kept_and_named(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    digital = eeg_digital(20, 1250)
    digital[TUSZ_LABELS.index("EEG CZ-REF")][:] = 77
    path.write_bytes(edf_bytes(digital))
    assert read_recording(path).flat == ("Cz",)


def test_a_recording_of_nothing_but_dead_electrodes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    path.write_bytes(edf_bytes([np.zeros(1250, np.int16)] * 20))
    with pytest.raises(RecordingRefused, match="signal: every channel is flat"):
        read_recording(path)


@pytest.mark.parametrize(
    "signals",
    [
        {"physical_dimension": "V", "physical_min": "-5", "physical_max": "5"},
        {"physical_min": "-0.0033", "physical_max": "0.0033"},
    ],
)
def test_amplitudes_that_no_head_has_are_refused_with_unit_and_range(tmp_path: Path, signals: dict[str, str]) -> None:
    path = tmp_path / "a.edf"
    path.write_bytes(edf_bytes(signals=signals))
    with pytest.raises(RecordingRefused, match=rf"amplitude: .*expected 0.1 to 10000.*{signals['physical_min']}"):
        read_recording(path)


def test_one_electrode_far_from_zero_refuses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    signals = {"physical_min": {0: "200000"}, "physical_max": {0: "200025"}}
    path.write_bytes(edf_bytes(signals=signals))
    assert read_recording(path).flat == ()
