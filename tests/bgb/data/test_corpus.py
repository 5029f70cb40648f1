from __future__ import annotations

import os
from pathlib import Path

import pytest

from bgb.data.annotations import Annotations, write_csv_bi
from bgb.data.corpus import CorpusFile, discover, index_recording
from bgb.data.recording import Interval
from bgb.errors import DataError
from tests.bgb.data.edf_bytes import TUSZ_LABELS, edf_bytes


def put(root: Path, key: str, content: bytes | None = None, *, seconds: float = 5) -> Path:
    """A recording of 5 s with a seizure in its second second, and its labels."""
    edf = root / f"{key}.edf"
    edf.parent.mkdir(parents=True, exist_ok=True)
    edf.write_bytes(edf_bytes() if content is None else content)
    seizures = (Interval(start_seconds=1, stop_seconds=2),)
    write_csv_bi(edf.with_suffix(".csv_bi"), Annotations(duration_seconds=seconds, seizures=seizures), stem=edf.stem)
    return edf


def only(root: Path) -> CorpusFile:
    (file,) = discover(root, splits=("train",))
    return file


def test_recordings_are_found_by_split_and_keyed_by_path(tmp_path: Path) -> None:
    stem = "aaaaaaaa_s001_t000"
    put(tmp_path, f"train/aaaaaaaa/s001_2002/02_tcp_le/{stem}", b"two")
    put(tmp_path, f"train/aaaaaaaa/s001_2002/01_tcp_ar/{stem}", b"one!")
    put(tmp_path, "dev/aaaaaaab/s002_2003/01_tcp_ar/aaaaaaab_s002_t001")
    put(tmp_path, "eval/aaaaaaac/s002_2003/01_tcp_ar/aaaaaaac_s002_t001")
    edf = tmp_path / "train/aaaaaaaa/s001_2002/01_tcp_ar" / f"{stem}.edf"
    edf.with_suffix(".csv").touch()
    files = discover(tmp_path, splits=("train", "dev"))
    assert [file.key for file in files] == [
        "dev/aaaaaaab/s002_2003/01_tcp_ar/aaaaaaab_s002_t001",
        f"train/aaaaaaaa/s001_2002/01_tcp_ar/{stem}",
        f"train/aaaaaaaa/s001_2002/02_tcp_le/{stem}",
    ]
    assert files[1] == CorpusFile(
        key=f"train/aaaaaaaa/s001_2002/01_tcp_ar/{stem}",
        split="train",
        patient="aaaaaaaa",
        session="s001_2002",
        montage="01_tcp_ar",
        edf=edf,
        csv_bi=edf.with_suffix(".csv_bi"),
        csv=edf.with_suffix(".csv"),
        edf_bytes=4,
        edf_mtime_ns=edf.stat().st_mtime_ns,
    )
    assert files[2].csv is None


def test_the_root_may_hold_the_splits_in_edf_and_may_be_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "edf", "train/a/s/m/x")
    assert only(tmp_path).key == only(tmp_path / "edf").key == "train/a/s/m/x"
    monkeypatch.chdir(tmp_path / "edf")
    assert only(Path()).key == "train/a/s/m/x"


def test_names_in_capitals_are_found_and_hidden_files_are_not(tmp_path: Path) -> None:
    put(tmp_path, "train/a/s/m/x").rename(tmp_path / "train/a/s/m/X.EDF")
    (tmp_path / "train/a/s/m/._X.EDF").touch()
    assert only(tmp_path).key == "train/a/s/m/X"


def test_a_split_of_another_name_is_told(tmp_path: Path) -> None:
    put(tmp_path, "train/a/s/m/x")
    (tmp_path / "val").mkdir()
    with pytest.raises(DataError, match="found train, but no dev; the split is called 'dev', not 'val'"):
        discover(tmp_path, splits=("train", "dev"))
    with pytest.raises(DataError, match=r"found train, but no eval$"):
        discover(tmp_path, splits=("train", "eval"))


def test_a_place_without_a_corpus_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such directory"):
        discover(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds train or dev or eval"):
        discover(tmp_path)
    (tmp_path / "train").mkdir()
    with pytest.raises(DataError, match="no EDF file in it"):
        discover(tmp_path, splits=("train",))


@pytest.mark.parametrize("key", ["train/x", "train/a/s/x", "train/01_tcp_ar/000/a/s/x"])
def test_a_recording_outside_the_layout_is_told_and_not_passed_over(tmp_path: Path, key: str) -> None:
    put(tmp_path, "train/a/s/m/x")
    put(tmp_path, key)
    with pytest.raises(DataError, match="outside the layout of TUSZ v2"):
        only(tmp_path)


def test_a_link_that_leads_back_ends_somewhere(tmp_path: Path) -> None:
    put(tmp_path, "train/a/s/m/x")
    (tmp_path / "train/a/loop").symlink_to(tmp_path / "train")
    with pytest.raises(DataError, match="outside the layout"):
        only(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every directory")
def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    folder = put(tmp_path, "train/a/s/m/x").parent
    folder.chmod(0)
    with pytest.raises(DataError, match="cannot be listed"):
        only(tmp_path)
    folder.chmod(0o700)


def test_the_index_says_what_header_and_labels_say(tmp_path: Path) -> None:
    labels = ["EEG X1-REF" if label == "EEG FZ-REF" else label for label in TUSZ_LABELS]
    put(tmp_path, "train/a/s/m/x", edf_bytes(labels=labels, header={"startdate": "01:01:85"}))
    indexed = index_recording(only(tmp_path))
    assert indexed.refused is None
    assert (indexed.seconds, indexed.sample_rate_hz) == (5.0, 250.0)
    assert indexed.seizures == (Interval(start_seconds=1, stop_seconds=2),)
    assert indexed.repaired == ("startdate: '01:01:85' read as 01.01.85",)
    assert indexed.missing == ("Fz",)


@pytest.mark.parametrize(
    ("content", "seconds", "reason"),
    [
        (b"", 5, "file: is empty"),
        (edf_bytes()[:-10], 5, "n_records: "),
        (edf_bytes(labels=["EEG CZ-REF"]), 5, "label: no signal for Fp1"),
        (edf_bytes(signals={"physical_dimension": ""}), 5, "physical_dimension: "),
        (edf_bytes(), 50, "duration: labels are for 50 s, the recording has 5 s"),
    ],
)
def test_a_recording_that_cannot_be_used_is_indexed_with_the_reason(
    tmp_path: Path, content: bytes, seconds: float, reason: str
) -> None:
    put(tmp_path, "train/a/s/m/x", content, seconds=seconds)
    indexed = index_recording(only(tmp_path))
    assert indexed.refused is not None
    assert indexed.refused.startswith(reason)
    assert indexed.seizures == ()


def test_a_recording_without_labels_is_refused_and_not_background(tmp_path: Path) -> None:
    put(tmp_path, "train/a/s/m/x").with_suffix(".csv_bi").unlink()
    refused = index_recording(only(tmp_path)).refused
    assert refused is not None
    assert "label file is missing" in refused
