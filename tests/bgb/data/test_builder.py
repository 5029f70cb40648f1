from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import filelock
import numpy as np
import pytest

from bgb.data.annotations import Annotations, write_csv_bi
from bgb.data.builder import BuildProgress, build_cache
from bgb.data.cache import cached_path, open_cached
from bgb.data.corpus import CorpusFile, discover
from bgb.data.edf import read_header
from bgb.data.manifest import read_manifest
from bgb.data.recording import read_recording
from bgb.data.signal import SignalSettings, process, to_int16
from bgb.errors import CacheError, DataError, RecordingRefused
from tests.bgb.data.small_corpus import build, contents, put, request, small_corpus

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"


@pytest.fixture
def files(tmp_path: Path) -> tuple[CorpusFile, ...]:
    return small_corpus(tmp_path / "corpus")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def rediscovered(tmp_path: Path) -> tuple[CorpusFile, ...]:
    return discover(tmp_path / "corpus", splits=("train", "dev"))


def test_every_recording_is_processed_stored_and_listed(files: tuple[CorpusFile, ...], cache: Path) -> None:
    summary = build(files, cache)
    assert (summary.built, summary.skipped, summary.refused) == (6, 0, ())
    assert summary.eeg_hours == pytest.approx((5 + 6 + 7 + 5 + 5 + 6) / 3600)
    for file in files:
        recording = read_recording(file.edf)
        expected = to_int16(process(recording.signal_uv, 250.0, SignalSettings()), SignalSettings())
        with open_cached(cached_path(cache, file.key)) as cached:
            out = np.empty((19, cached.meta.samples), np.int16)
            cached.read_window(0, out)
            assert cached.meta.patient == file.patient
        np.testing.assert_array_equal(out, expected)
    train, dev = read_manifest(cache, "train"), read_manifest(cache, "dev")
    assert [row.key for row in dev.rows + train.rows] == [file.key for file in files]
    assert (len(train.rows), len(dev.rows), train.limit_files) == (4, 2, None)


def test_a_second_build_finds_everything_up_to_date_and_changes_nothing(
    files: tuple[CorpusFile, ...], cache: Path
) -> None:
    build(files, cache)
    before = contents(cache)
    summary = build(files, cache)
    assert (summary.built, summary.skipped) == (0, 6)
    assert contents(cache) == before


@pytest.mark.slow
def test_several_processes_build_the_same_bytes(files: tuple[CorpusFile, ...], cache: Path, tmp_path: Path) -> None:
    build(files, cache)
    build(files, tmp_path / "parallel", workers=2)
    assert contents(tmp_path / "parallel") == contents(cache)


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def test_only_what_changed_is_built_again(files: tuple[CorpusFile, ...], cache: Path, tmp_path: Path) -> None:
    build(files, cache)
    labels, touched, damaged, gone = files[0], files[1], files[2], files[3]
    labels.csv_bi.write_text(labels.csv_bi.read_text().replace("2.5000", "2.6000"))
    os.utime(touched.edf, ns=(1, 1))
    damage(cached_path(cache, damaged.key))
    cached_path(cache, gone.key).unlink()
    summary = build(rediscovered(tmp_path), cache)
    assert (summary.built, summary.skipped) == (4, 2)
    with open_cached(cached_path(cache, labels.key)) as cached:
        assert cached.seizures[0].stop_seconds == 2.6
    assert build(rediscovered(tmp_path), cache).built == 0


def test_other_signal_settings_make_another_cache(files: tuple[CorpusFile, ...], cache: Path) -> None:
    build(files, cache)
    assert build(files, cache, settings=SignalSettings(notch_hz=50.0)).built == 6


def test_a_limit_is_part_of_the_manifest_and_a_later_full_build_uses_all_files(
    files: tuple[CorpusFile, ...], cache: Path
) -> None:
    assert build(files, cache, limit_files=1).built == 2
    limited = read_manifest(cache, "train")
    assert (limited.limit_files, len(limited.rows)) == (1, 1)
    summary = build(files, cache)
    assert (summary.built, summary.skipped) == (4, 2)
    full = read_manifest(cache, "train")
    assert (full.limit_files, len(full.rows)) == (None, 4)
    build(files, cache, limit_files=1)
    assert read_manifest(cache, "train").rows == limited.rows


def test_progress_is_told_from_start_to_end(files: tuple[CorpusFile, ...], cache: Path) -> None:
    build(files[:2], cache)
    seen: list[BuildProgress] = []
    build_cache(files, cache, request(), seen.append)
    assert [progress.done for progress in seen] == [2, 3, 4, 5, 6]
    assert {progress.total for progress in seen} == {6}
    assert seen[0].eeg_seconds == 0
    assert seen[-1].skipped == 2
    assert seen[-1].built == 4


def test_refused_recordings_are_listed_with_field_and_reason_when_told_to_keep_going(
    files: tuple[CorpusFile, ...], cache: Path, tmp_path: Path
) -> None:
    files[0].csv_bi.unlink()
    files[1].edf.write_bytes(files[1].edf.read_bytes()[:3_000])
    files[2].csv_bi.write_text(files[2].csv_bi.read_text().replace("seiz", "sieze"))
    summary = build(rediscovered(tmp_path), cache, keep_going=True)
    assert summary.built == 3
    assert [item.key for item in summary.refused] == [file.key for file in files[:3]]
    assert all(item.field and item.message for item in summary.refused)
    listed = read_manifest(cache, "dev").refused + read_manifest(cache, "train").refused
    assert listed == summary.refused


def test_more_refusals_than_allowed_stop_the_build_and_leave_the_manifest(
    files: tuple[CorpusFile, ...], cache: Path, tmp_path: Path
) -> None:
    build(files, cache)
    before = (cache / "dev" / "manifest.json").read_bytes()
    files[0].csv_bi.unlink()
    with pytest.raises(CacheError, match=r"1 of 6 recordings refused .*--keep-going") as caught:
        build(rediscovered(tmp_path), cache)
    assert files[0].key in str(caught.value)
    assert (cache / "dev" / "manifest.json").read_bytes() == before
    assert build(rediscovered(tmp_path), cache, max_refused_share=0.2).skipped == 5


def test_a_source_that_vanishes_during_the_build_is_a_refusal(files: tuple[CorpusFile, ...], cache: Path) -> None:
    files[0].edf.unlink()
    (refusal,) = build(files, cache, keep_going=True).refused
    assert (refusal.key, refusal.field) == (files[0].key, "file")


def test_labels_that_name_seizures_which_do_not_arrive_stop_the_build(tmp_path: Path, cache: Path) -> None:
    for number in range(12):
        edf = put(tmp_path, f"train/p{number:02}/s001_2002/01_tcp_ar/p{number:02}_s001_t000", seconds=5, seizures=())
        edf.with_suffix(".csv").write_text("channel,start_time,stop_time,label,confidence\nFP1-F7,1.0,2.0,FNSZ,1.0\n")
    seen: list[BuildProgress] = []
    with pytest.raises(CacheError, match=r"10 recordings name seizures.*hold"):
        build_cache(discover(tmp_path, splits=("train",)), cache, request(), seen.append)
    assert seen[-1].done == 9
    assert not (cache / "train" / "manifest.json").exists()
    with pytest.raises(CacheError, match="name seizures"):
        build(discover(tmp_path, splits=("train",))[:2], cache)


def test_a_corpus_whose_labels_name_no_seizure_is_built(tmp_path: Path, cache: Path) -> None:
    put(tmp_path, "train/p/s/m/p", seizures=())
    assert build(discover(tmp_path, splits=("train",)), cache).built == 1


def test_two_builders_never_write_one_cache(files: tuple[CorpusFile, ...], cache: Path) -> None:
    cache.mkdir()
    with filelock.FileLock(cache / ".build.lock"), pytest.raises(CacheError, match=r"another build.*\.build\.lock"):
        build(files, cache)
    assert build(files, cache).built == 6


def test_a_cache_that_cannot_be_written_is_one_message(files: tuple[CorpusFile, ...], tmp_path: Path) -> None:
    (tmp_path / "a_file").touch()
    with pytest.raises(CacheError, match=r"a_file.*cannot be written"):
        build(files, tmp_path / "a_file")


def test_too_small_a_disk_is_found_before_anything_is_built(files: tuple[CorpusFile, ...], cache: Path) -> None:
    with pytest.raises(CacheError, match=r"6 recordings need .* GB are free"):
        build(files, cache, settings=SignalSettings(sample_rate_hz=10**9))
    assert contents(cache) == {}


def test_nothing_to_build_is_an_error(cache: Path) -> None:
    with pytest.raises(DataError, match="no recording"):
        build((), cache)


def build_and_kill(files: Sequence[CorpusFile], cache: Path, *, more_files: int, number: signal.Signals) -> bool:
    """Start a build and send it a signal once it has written so many files; whether that ended it.

    The build is a fork of this process, which has built before: importing scipy fifty times would take minutes.
    """
    before = len(list(cache.rglob("*.npz")))
    pid = os.fork()
    if pid == 0:
        try:
            build(files, cache)
        finally:
            os._exit(sys.exc_info()[0] is KeyboardInterrupt)
    while os.waitpid(pid, os.WNOHANG) == (0, 0) and len(list(cache.rglob("*.npz"))) < before + more_files:
        time.sleep(0.001)
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, number)
        return os.waitpid(pid, 0)[1] != 0
    return False


def check_whole(cache: Path) -> None:
    for path in cache.rglob("*.npz"):
        with open_cached(path) as cached:
            cached.verify()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_build_leaves_whole_files_and_resuming_gives_the_cache_of_an_undisturbed_one(
    tmp_path: Path, number: signal.Signals
) -> None:
    files, cache = small_corpus(tmp_path / "corpus", train=12), tmp_path / "cache"
    assert build_and_kill(files, cache, more_files=3, number=number)
    check_whole(cache)
    assert not (cache / "train" / "manifest.json").exists()
    resumed = build(files, cache)
    assert resumed.skipped >= 3
    build(files, tmp_path / "undisturbed")
    assert contents(cache) == contents(tmp_path / "undisturbed")


@pytest.mark.slow
def test_fifty_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    files, cache = small_corpus(tmp_path / "corpus", train=250, dev=50), tmp_path / "cache"
    after = np.random.default_rng(0).integers(1, 6, 50).tolist()
    build(files, tmp_path / "undisturbed")
    killed = 0
    for more_files in after:
        killed += build_and_kill(files, cache, more_files=more_files, number=signal.SIGKILL)
        check_whole(cache)
    assert killed == 50
    build(files, cache)
    assert contents(cache) == contents(tmp_path / "undisturbed")


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared/data with real recordings is not here")
def test_real_recordings_are_cached_or_refused_each_with_a_reason(tmp_path: Path, cache: Path) -> None:
    root = tmp_path / "corpus"
    for edf in sorted((SHARED / "real").glob("*.edf")):
        target = put(root, f"train/{edf.stem}/s001/m/{edf.stem}")
        shutil.copyfile(edf, target)
        with contextlib.suppress(RecordingRefused):
            labels = Annotations(duration_seconds=read_header(edf).seconds, seizures=())
            write_csv_bi(target.with_suffix(".csv_bi"), labels, stem=edf.stem)
    summary = build(discover(root, splits=("train",)), cache, keep_going=True)
    listed = [row.patient for row in read_manifest(cache, "train").rows]
    assert {"eegmat_subject00_rest", "eegmat_subject00_task"} <= set(listed)
    assert summary.built + len(summary.refused) == len(list((SHARED / "real").glob("*.edf")))
    assert all(item.field and item.message for item in summary.refused)
