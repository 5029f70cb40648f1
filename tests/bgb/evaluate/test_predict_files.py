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
from bgb.data.recording import CHANNELS, open_recording
from bgb.data.signal import SignalSettings, process_to_int16
from bgb.errors import CheckpointError, ConfigError
from bgb.jobs.predict import Predictions, Spooled, predict_files
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
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.csv_bi", "good.png", "good_events.tsv"]


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


def test_a_signal_on_disk_is_that_of_the_cache_to_the_bit(tmp_path: Path) -> None:
    recording = open_recording(write_edf(tmp_path / "a.edf", 20))
    whole = process_to_int16(recording.signal_uv, recording.sample_rate_hz, SignalSettings())
    with (tmp_path / "spool").open("w+b") as file:
        spooled = Spooled.prepare(recording, SignalSettings(), file)
        assert spooled.samples == whole.shape[1]
        for start in (0, 1, 777, whole.shape[1] - 100, whole.shape[1]):
            window = np.full((19, 500), 7, np.int16)
            spooled.read_window(start, window)
            part = whole[:, start : start + 500]
            assert np.array_equal(window[:, : part.shape[1]], part)
            assert not window[:, part.shape[1] :].any()


def lengthen(path: Path, times: int) -> None:
    """The same seconds over and over, as one recording."""
    content = path.read_bytes()
    header_bytes, records = int(content[184:192]), int(content[236:244])
    with path.open("wb") as file:
        file.write(content[:236] + f"{records * times:<8}".encode() + content[244:header_bytes])
        for _ in range(times):
            file.write(content[header_bytes:])


MEASURE = """
import resource, sys
from pathlib import Path
from bgb.jobs.predict import predict_files
found = predict_files(Path(sys.argv[1]), [Path(sys.argv[2])], Path(sys.argv[3]), device="cpu", say=lambda _: None)
print(found.files[0].seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.slow
def test_a_day_is_predicted_in_less_memory_than_its_signal_takes(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    config = config.model_copy(update={"data": config.data.model_copy(update={"window_seconds": 60})})
    config = config.model_copy(update={"data": config.data.model_copy(update={"stride_seconds": 60})})
    checkpoint = write_checkpoint(tmp_path / "best.ckpt", config)
    day = write_edf(tmp_path / "day.edf", 120)
    lengthen(day, 720)
    command = [sys.executable, "-c", MEASURE, str(checkpoint), str(day), str(tmp_path / "out")]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak_mib = map(float, ended.stdout.split())
    assert seconds == 24 * 3600
    assert peak_mib < 1600, f"{peak_mib:.0f} MiB, where the signal alone is 1,600 MiB in float32"
    print(f"peak {peak_mib:.0f} MiB")
