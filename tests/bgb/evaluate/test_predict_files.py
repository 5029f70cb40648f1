"""From EDF files to events: a rhythm that the small network has learnt to hear, written into recordings of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from edfio import Edf, EdfSignal

from bgb.config import RunConfig
from bgb.data.annotations import read_csv_bi
from bgb.data.recording import CHANNELS
from bgb.errors import CheckpointError, ConfigError
from bgb.jobs.predict import Predictions, predict_files
from tests.bgb.evaluate.small_run import RATE, rhythm, small_config, write_checkpoint

SEIZURE = slice(60 * RATE, 90 * RATE)


def write_edf(path: Path, seconds: int = 150) -> Path:
    noise = 0.7 * np.random.default_rng(3).standard_normal((19, seconds * RATE))
    if seconds * RATE > SEIZURE.stop:
        noise[:, SEIZURE] += rhythm(SEIZURE.stop - SEIZURE.start)
    signals = [
        EdfSignal(30 * noise[row], RATE, label=f"EEG {name}-REF", physical_dimension="uV", physical_range=(-400, 400))
        for row, name in enumerate(CHANNELS)
    ]
    Edf(signals).write(path)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    return write_checkpoint(folder / "best.ckpt", small_config(folder))


def predict(checkpoint: Path, out: Path, *recordings: Path) -> Predictions:
    return predict_files(checkpoint, recordings, out, device="cpu", say=lambda _: None)


def test_a_rhythm_is_found_written_and_drawn(checkpoint: Path, tmp_path: Path) -> None:
    (found,) = predict(checkpoint, tmp_path / "out", write_edf(tmp_path / "a.edf")).files
    assert found.seconds == 150
    middle = [event for event in found.events if event.start_seconds < 75 < event.stop_seconds]
    assert len(middle) == 1
    assert abs(middle[0].start_seconds - 60) < 5
    assert found.csv_bi is not None
    assert [item.start_seconds for item in read_csv_bi(found.csv_bi).seizures] == pytest.approx(
        [item.start_seconds for item in found.events], abs=1e-4
    )
    assert found.figure is not None
    assert found.figure.read_bytes().startswith(b"\x89PNG")


def test_a_recording_that_cannot_be_read_is_told_and_the_others_are_predicted(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "junk.edf").write_text("no EDF")
    good = write_edf(tmp_path / "good.edf", 20)
    command = [sys.executable, "-m", "bgb", "predict", str(checkpoint), str(tmp_path / "junk.edf"), str(good)]
    options = ["--out", str(tmp_path / "out"), "--json"]
    ended = subprocess.run([*command, *options], capture_output=True, text=True)
    assert ended.returncode == 1, ended.stderr
    junk, predicted = json.loads(ended.stdout)["files"]
    assert "junk.edf" in junk["refused"]
    assert predicted["refused"] is None
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.csv_bi", "good.png"]


def test_two_recordings_of_one_name_would_overwrite_each_other(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two recordings are called a"):
        predict(checkpoint, tmp_path / "out", tmp_path / "x" / "a.edf", tmp_path / "y" / "a.edf")


def test_a_checkpoint_of_other_preparations_is_refused(tmp_path: Path) -> None:
    other = write_checkpoint(tmp_path / "best.ckpt", small_config(tmp_path), signal_digest="f" * 64)
    with pytest.raises(CheckpointError, match="was trained on signals prepared as ffff"):
        predict(other, tmp_path / "out", tmp_path / "a.edf")


def test_a_network_of_compiled_kernels_is_computed_by_the_reference_on_a_cpu(tmp_path: Path) -> None:
    stored = small_config(tmp_path).model_dump(mode="json")
    stored["model"]["mamba"]["kernel"] = "cuda"
    path = write_checkpoint(tmp_path / "best.ckpt", RunConfig.model_validate(stored))
    said: list[str] = []
    recording = write_edf(tmp_path / "a.edf", 20)
    predict_files(path, [recording], tmp_path / "out", device="cpu", say=said.append)
    assert "the reference computes the same network" in said[0]
