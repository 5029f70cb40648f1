from __future__ import annotations

import gc
import io
import os
import resource
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bgb.data.cache import (
    CachedMeta,
    CachedRecording,
    cached_bytes,
    cached_path,
    open_cached,
    write_cached,
)
from bgb.data.recording import Interval
from bgb.errors import CacheError

SEIZURES = (Interval(start_seconds=1.5, stop_seconds=7.25), Interval(start_seconds=20.0, stop_seconds=31.0))


def meta_of(samples: int, **changes: Any) -> CachedMeta:
    fields: dict[str, Any] = {
        "key": "train/p/s/m/p_s_t",
        "patient": "p",
        "split": "train",
        "samples": samples,
        "sample_rate_hz": 256,
        "source_sha256": "a" * 64,
        "source_bytes": 123,
        "source_mtime_ns": 1_700_000_000_000_000_000,
        "labels_sha256": "b" * 64,
        "settings_digest": "c" * 64,
        "code_version": 1,
        "repaired": ("startdate: read 01:01:85 as 01.01.85",),
        "interpolated": ("Pz",),
        "flat": (),
    }
    return CachedMeta(**{**fields, **changes})


def signal_of(samples: int, seed: int = 0) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-32767, 32767, (19, samples), dtype=np.int16)


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    path = tmp_path / "recording.npz"
    write_cached(path, signal_of(6_000), SEIZURES, meta_of(6_000))
    return path


def test_numpy_opens_a_cached_recording_and_finds_the_arrays_of_the_design(cached: Path) -> None:
    with np.load(cached) as arrays:
        blocks = arrays["signal"]
        assert blocks.shape == (3, 19, 2560)
        assert blocks.dtype == np.int16
        np.testing.assert_array_equal(blocks.transpose(1, 0, 2).reshape(19, -1)[:, :6_000], signal_of(6_000))
        assert not blocks[2, :, 6_000 - 2 * 2560 :].any()
        np.testing.assert_array_equal(arrays["seizures"], [[1.5, 7.25], [20.0, 31.0]])
        assert b'"patient": "p"' in arrays["meta"].tobytes()
    with zipfile.ZipFile(cached) as archive:
        assert archive.testzip() is None
        assert {item.compress_type for item in archive.infolist()} == {zipfile.ZIP_STORED}


def test_what_is_written_is_what_is_read_back(cached: Path) -> None:
    with open_cached(cached) as recording:
        assert recording.meta == meta_of(6_000)
        assert recording.seizures == SEIZURES
        assert recording.file_bytes == cached.stat().st_size
        recording.verify()


def test_writing_tells_the_size_and_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "b" / "one.npz", tmp_path / "two.npz"
    size = write_cached(first, signal_of(6_000), SEIZURES, meta_of(6_000))
    write_cached(second, signal_of(6_000), SEIZURES, meta_of(6_000))
    assert first.read_bytes() == second.read_bytes()
    assert size == first.stat().st_size
    assert 0 < size - cached_bytes(6_000, 256) < 3_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "two.npz"]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[int, CachedRecording]:
    folder = tmp_path_factory.mktemp("recordings")
    lengths = (1, 2_559, 2_560, 2_561, 40_000, 170_000)
    for length in lengths:
        write_cached(folder / f"{length}.npz", signal_of(length, length), (), meta_of(length))
    return {length: open_cached(folder / f"{length}.npz") for length in lengths}


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_window_may_start_at_any_sample_and_is_zero_after_the_end(
    recordings: dict[int, CachedRecording], data: st.DataObject
) -> None:
    length = data.draw(st.sampled_from(sorted(recordings)))
    start = data.draw(st.integers(0, length - 1))
    window = data.draw(st.sampled_from([1, 16, 2_560, 15_360, 150_000]))
    out = np.full((19, window), 77, np.int16)
    recordings[length].read_window(start, out)
    expected = np.zeros((19, window), np.int16)
    piece = signal_of(length, length)[:, start : start + window]
    expected[:, : piece.shape[1]] = piece
    np.testing.assert_array_equal(out, expected)


def test_a_window_is_written_into_a_batch_in_place(recordings: dict[int, CachedRecording]) -> None:
    batch = np.zeros((4, 19, 15_360), np.int16)
    recordings[40_000].read_window(777, batch[2])
    np.testing.assert_array_equal(batch[2], signal_of(40_000, 40_000)[:, 777 : 777 + 15_360])
    assert not batch[[0, 1, 3]].any()


@pytest.mark.parametrize(("start", "channels"), [(-1, 19), (6_000, 19), (0, 18)])
def test_a_window_that_cannot_be_is_a_mistake_of_the_caller(cached: Path, start: int, channels: int) -> None:
    with open_cached(cached) as recording, pytest.raises(ValueError, match="sample"):
        recording.read_window(start, np.empty((channels, 2_560), np.int16))


def test_a_file_cut_at_any_place_is_refused_by_name(cached: Path) -> None:
    size = cached.stat().st_size
    for place in sorted({*range(0, size, 1_009), *range(1_200), *range(size - 250, size)}, reverse=True):
        os.truncate(cached, place)
        with pytest.raises(CacheError, match=r"recording\.npz.*bgb build-cache"):
            open_cached(cached)


def test_any_flipped_bit_around_the_signal_is_found_on_opening_and_any_in_it_by_verifying(cached: Path) -> None:
    whole = cached.read_bytes()
    signal_start = whole.index(b"signal.npy") + len(b"signal.npy") + 128
    signal_stop = signal_start + 3 * 19 * 2560 * 2
    handle = os.open(cached, os.O_RDWR)
    for place in (*range(signal_start), *range(signal_start, signal_stop, 40_009), *range(signal_stop, len(whole))):
        os.pwrite(handle, bytes([whole[place] ^ (1 << place % 8)]), place)
        if signal_start <= place < signal_stop:
            with open_cached(cached) as recording, pytest.raises(CacheError, match=r"recording\.npz.*checksum"):
                recording.verify()
        else:
            with pytest.raises(CacheError, match=r"recording\.npz"):
                open_cached(cached)
        os.pwrite(handle, whole[place : place + 1], place)
    os.close(handle)


def foreign_npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, windows=np.zeros((4, 19, 256), np.float32), labels=np.zeros((4, 256), np.uint8))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>" + b" " * 5_000 + b"</html>", "<!DOCTYPE"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 99\n", "version https"),
        (foreign_npz(), "directory is not one that a build writes"),
        (b"\0" * 4_096, "no NPZ"),
    ],
    ids=["empty", "an HTML page", "an LFS pointer", "another NPZ", "zeros"],
)
def test_what_is_no_cached_recording_is_refused_saying_what_it_is(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "odd.npz"
    path.write_bytes(content)
    with pytest.raises(CacheError, match=says):
        open_cached(path)


def test_a_missing_file_a_folder_and_another_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="No such file"):
        open_cached(tmp_path / "absent.npz")
    with pytest.raises(CacheError, match="cannot be read"):
        open_cached(tmp_path)
    wrong: Any = "200"
    write_cached(tmp_path / "other.npz", signal_of(10), (), meta_of(10, source_bytes=wrong))
    with pytest.raises(CacheError, match=r"another version.*source_bytes"):
        open_cached(tmp_path / "other.npz")


def test_a_file_that_shrinks_while_it_is_open_is_an_error_and_not_silence(cached: Path) -> None:
    with open_cached(cached) as recording:
        os.truncate(cached, 20_000)
        with pytest.raises(CacheError, match="shorter"):
            recording.read_window(0, np.empty((19, 5_120), np.int16))
        with pytest.raises(CacheError, match="shorter"):
            recording.verify()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(cached: Path) -> None:
    before = cached.read_bytes()
    broken: Any = [object()]
    with pytest.raises(AttributeError):
        write_cached(cached, signal_of(6_000, 1), broken, meta_of(6_000))
    partial = cached.with_name("recording.npz.partial")
    partial.mkdir()
    with pytest.raises(CacheError, match="cannot be written"):
        write_cached(cached, signal_of(6_000, 1), SEIZURES, meta_of(6_000))
    partial.rmdir()
    assert cached.read_bytes() == before
    assert [path.name for path in cached.parent.iterdir()] == ["recording.npz"]


def test_a_disk_that_takes_no_more_is_one_message_and_leaves_no_half_file(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(CacheError, match=r"big\.npz: cannot be written: File too large"):
            write_cached(tmp_path / "big.npz", signal_of(60_000), (), meta_of(60_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)
    assert list(tmp_path.iterdir()) == []


WRITE = """
import sys
from pathlib import Path
from bgb.errors import CacheError
from bgb.data.cache import write_cached
from tests.bgb.data.test_cache import meta_of, signal_of
try:
    write_cached(Path(sys.argv[1], "p", "big.npz"), signal_of(60_000), (), meta_of(60_000))
except CacheError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("options", "says"),
    [("size=1m", "No space left on device; free some and build again"), ("ro", "Read-only file system")],
)
def test_a_full_and_a_read_only_disk_are_one_message_and_leave_no_half_file(
    tmp_path: Path, options: str, says: str
) -> None:
    script = f'mount -t tmpfs -o {options} none "$1" && "$2" -c "$3" "$1" && find "$1" -type f'
    command = ["unshare", "-rm", "sh", "-c", script, "sh", str(tmp_path), sys.executable, WRITE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("no file system can be mounted here")
    assert done.stderr == ""
    assert says in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_recording_too_long_for_one_file_is_refused_before_it_is_written(tmp_path: Path) -> None:
    samples = 256 * 3600 * 62
    signal: NDArray[np.int16] = np.broadcast_to(np.int16(0), (19, samples))
    with pytest.raises(CacheError, match="62 hours"):
        write_cached(tmp_path / "long.npz", signal, (), meta_of(samples))
    assert list(tmp_path.iterdir()) == []


def test_a_signal_of_another_length_than_its_meta_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shape"):
        write_cached(tmp_path / "x.npz", signal_of(10), (), meta_of(11))


def test_a_key_is_a_path_below_the_cache() -> None:
    assert cached_path(Path("c"), "train/p/s/m/stem.1") == Path("c/train/p/s/m/stem.1.npz")


def test_closing_twice_or_not_at_all_leaks_no_handle(cached: Path) -> None:
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        open_cached(cached)
    recording = open_cached(cached)
    recording.close()
    recording.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
