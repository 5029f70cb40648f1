"""Reading random 60 s windows that are not in memory: the cache against the obvious ways and the disk's own speed.

    OMP_NUM_THREADS=1 python -m benchmarks.cold_read [FOLDER]

The files of every case are dropped from the page cache before each round (`posix_fadvise`), which a network volume or
a virtual machine's host may not honour; FOLDER puts them on the disk that matters.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.window_read import RECORDINGS, SAMPLES, SPEC, plain_continuous, write_cache
from bgb.data.cache import cached_path
from bgb.data.manifest import ManifestRow
from bgb.data.torch_dataset import WindowDataset
from bgb.data.windows import window_starts

WINDOWS, ROUNDS = 128, 5
Places = Sequence[tuple[int, int]]
Reader = Callable[[Places], object]


def evict(files: Sequence[Path]) -> None:
    """Drop files from the page cache; what is not on the disk yet would stay."""
    for path in files:
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def own(root: Path, rows: tuple[ManifestRow, ...], threads: int) -> Reader:
    dataset = WindowDataset(root, rows, SPEC, threads=threads)
    return lambda places: dataset.read(np.array([(row, start // SPEC.stride_samples) for row, start in places]))


def memory_map(files: Sequence[Path]) -> Reader:
    """Windows of a float32 array as large as the recording, mapped: each channel's part is a page fault or more."""

    def read(places: Places) -> object:
        batch = np.empty((len(places), 19, SPEC.window_samples), np.int16)
        for out, (row, start) in zip(batch, places, strict=True):
            mapped = np.memmap(files[row], np.int16, "r", shape=(19, SAMPLES))
            out[:] = mapped[:, start : start + SPEC.window_samples]
        return batch

    return read


def sequential(files: Sequence[Path]) -> float:
    """Bytes a second of reading whole files one after another."""
    buffer, size = memoryview(bytearray(8 << 20)), 0
    started = time.perf_counter()
    for path in files:
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(buffer):
                size += count
    return size / (time.perf_counter() - started)


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        root = Path(name)
        rows = write_cache(root)
        cached = [cached_path(root, row.key) for row in rows]
        arrays = [root / f"{number}.npz" for number in range(RECORDINGS)]
        raw = [root / f"{number}.raw" for number in range(RECORDINGS)]
        for path in raw:
            np.zeros((19, SAMPLES), np.int16).tofile(path)
        cases: dict[str, tuple[Reader, Sequence[Path], int]] = {
            "plain: continuous float32, np.load": (plain_continuous(root), arrays, 8),
            "plain: int16, memory map": (memory_map(raw), raw, 32),
            **{f"bgb: {n} threads": (own(root, rows, n), cached, WINDOWS) for n in (1, 2, 4, 8)},
        }
        random, starts = np.random.default_rng(0), window_starts(SAMPLES, SPEC)
        limits: list[float] = []
        rates: dict[str, list[float]] = {label: [] for label in cases}
        for _ in range(ROUNDS):
            evict(cached)
            limits.append(sequential(cached))
            for label, (reader, files, count) in cases.items():
                evict(files)
                drawn = zip(random.integers(0, RECORDINGS, count), random.choice(starts, count), strict=True)
                places = [(int(row), int(start)) for row, start in drawn]
                started = time.perf_counter()
                reader(places)
                rates[label].append(count / (time.perf_counter() - started))
    window_bytes = 19 * SPEC.window_samples * 2
    print(f"sequential read: {statistics.median(limits) / 1e6:,.0f} MB/s")
    print(f"{'':38} windows/s  of the sequential rate")
    for label, values in rates.items():
        share = statistics.median(a * window_bytes / b for a, b in zip(values, limits, strict=True))
        print(f"{label:38} {statistics.median(values):9,.1f}  {share:10.1%}")


if __name__ == "__main__":
    main()
