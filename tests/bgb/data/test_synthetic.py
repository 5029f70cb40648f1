from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bgb.data.annotations import read_csv
from bgb.data.corpus import IndexedRecording, discover, index_recording, split_folders
from bgb.data.edf import read_header
from bgb.data.recording import CHANNELS, read_recording
from bgb.data.synthetic import PATIENTS, DemoCorpus, write_demo_corpus
from bgb.errors import DataError

FEW = ("aaaaaaab", "aaaaaaad", "aaaaaaaf", "aaaaaaaj")
"""With them come all four oddities, at 250 and 256 Hz, with and without seizures."""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    write_demo_corpus(root, patients=FEW)
    return root


def indexed(root: Path) -> dict[str, IndexedRecording]:
    recordings = [index_recording(file) for file in discover(root, splits=tuple(split_folders(root)))]
    assert [recording.refused for recording in recordings] == [None] * len(recordings)
    return {recording.key.removeprefix("train/"): recording for recording in recordings}


def test_a_part_of_the_corpus_is_what_it_says(tmp_path: Path) -> None:
    lines: list[str] = []
    corpus = write_demo_corpus(tmp_path, patients=["aaaaaaaf"], progress=lines.append)
    assert corpus == DemoCorpus(patients=1, recordings=2, seizures=0, hours=corpus.hours)
    assert corpus.hours == sum(recording.seconds for recording in indexed(tmp_path).values()) / 3600
    assert len(lines) == 2


def test_the_same_seed_gives_the_same_bytes_and_leaves_them_alone(few: Path, tmp_path: Path) -> None:
    write_demo_corpus(tmp_path, patients=["aaaaaaab"])
    files = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    assert len(files) == 1 + 3 * 3
    for path in files:
        assert path.read_bytes() == (few / path.relative_to(tmp_path)).read_bytes()
    before = {path: path.stat().st_mtime_ns for path in files if path.suffix == ".edf"}
    write_demo_corpus(tmp_path, patients=["aaaaaaab"])
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_seed_gives_another_signal(few: Path, tmp_path: Path) -> None:
    write_demo_corpus(tmp_path, patients=["aaaaaaaf"], seed=1)
    for path in tmp_path.rglob("*.edf"):
        assert path.read_bytes() != (few / path.relative_to(tmp_path)).read_bytes()


def test_every_recording_can_be_used_and_the_odd_ones_are_odd(few: Path) -> None:
    recordings = indexed(few)
    assert recordings["aaaaaaab/s001_2009/02_tcp_le/aaaaaaab_s001_t001"].missing == ("Pz",)
    (note,) = recordings["aaaaaaaj/s001_2009/01_tcp_ar/aaaaaaaj_s001_t000"].repaired
    assert note == "startdate: '01:01:09' read as 01.01.09"
    assert recordings["aaaaaaaf/s001_2009/01_tcp_ar/aaaaaaaf_s001_t001"].seconds < 60
    stems = [key.split("/")[-1] for key in recordings]
    assert stems.count("aaaaaaad_s001_t000") == 2
    assert sum(len(recording.seizures) for recording in recordings.values()) == 6


def test_the_files_look_like_those_of_tusz(few: Path) -> None:
    header = read_header(next(few.rglob("aaaaaaab_s001_t000.edf")))
    labels = [signal.label for signal in header.signals]
    assert labels[:2] == ["EEG FP1-LE", "EEG FP2-LE"]
    assert labels[-4:] == ["EEG EKG1-LE", "IBI", "BURSTS", "SUPPR"]
    assert header.signals[-1].samples_per_record == 1
    assert header.record_seconds == 1.0


def test_types_by_channel_agree_with_the_seizures(few: Path) -> None:
    for path in few.rglob("aaaaaaab_s001_t00?.csv"):
        recording = index_recording(next(file for file in discover(few, splits=("train",)) if file.csv == path))
        events = read_csv(path, recording_seconds=recording.seconds)
        assert {event.label for event in events} == {"bckg", "gnsz"}
        for seizure in recording.seizures:
            reached = [event.interval for event in events if event.label == "gnsz"]
            starts = [stretch.start_seconds for stretch in reached if stretch.stop_seconds == seizure.stop_seconds]
            assert min(starts) == seizure.start_seconds


def test_the_signal_is_of_the_size_and_shape_of_eeg(few: Path) -> None:
    recording = read_recording(next(few.rglob("aaaaaaaf_s001_t000.edf")))
    assert recording.flat == ()
    assert 5 < np.median(recording.signal_uv.std(axis=1)) < 60
    spectrum = np.abs(np.fft.rfft(recording.signal_uv - recording.signal_uv.mean(axis=1, keepdims=True))) ** 2
    frequencies = np.fft.rfftfreq(recording.signal_uv.shape[1], 1 / recording.sample_rate_hz)

    def power(channel: str, low: float, high: float) -> float:
        band = (frequencies >= low) & (frequencies < high)
        return float(spectrum[CHANNELS.index(channel), band].mean())

    assert power("Cz", 1, 4) > 3 * power("Cz", 15, 30) > 3 * power("Cz", 35, 55)
    assert power("O1", 8, 12) > 2 * power("Fp1", 8, 12)


def test_patients_who_are_not_in_the_corpus_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such demo patient: nobody; known: aaaaaaaa"):
        write_demo_corpus(tmp_path / "new", patients=["nobody"])
    assert not (tmp_path / "new").exists()


def test_it_never_mixes_with_files_of_others(tmp_path: Path) -> None:
    (tmp_path / "edf").mkdir()
    with pytest.raises(DataError, match=r"no SYNTHETIC\.txt, so it is not a demo corpus"):
        write_demo_corpus(tmp_path, patients=FEW)
    assert [path.name for path in tmp_path.rglob("*")] == ["edf"]
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        write_demo_corpus(tmp_path / "file")


@pytest.mark.slow
def test_the_whole_corpus_gives_every_check_something_to_judge(tmp_path: Path) -> None:
    corpus = write_demo_corpus(tmp_path)
    recordings = [index_recording(file) for file in discover(tmp_path)]
    assert [recording.refused for recording in recordings if recording.refused] == []
    assert corpus.patients == len({recording.patient for recording in recordings}) == len(PATIENTS) >= 10
    assert corpus.recordings == len(recordings) >= 30
    assert {recording.sample_rate_hz for recording in recordings} == {250.0, 256.0, 400.0}
    assert {recording.missing for recording in recordings} == {(), ("Pz",)}
    for split in ("train", "dev", "eval"):
        own = [recording for recording in recordings if recording.split == split]
        lengths = [seizure.seconds for recording in own for seizure in recording.seizures]
        # From 70 s on a window of 60 s every 10 s lies in it whole, wherever it starts.
        assert min(lengths) < 60
        assert max(lengths) > 70
        assert any(not recording.seizures for recording in own)
        others = {recording.patient for recording in recordings if recording.split != split}
        assert not others & {recording.patient for recording in own}
