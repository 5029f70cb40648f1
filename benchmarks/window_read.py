"""Reading random 60 s windows into batches: the cache against the obvious ways and against copying memory.

OMP_NUM_THREADS=1 python -m benchmarks.window_read

40 recordings of 15 minutes, warm, on 2 cores of a Xeon at 2.8 GHz that others were using too:

                                       windows per CPU second  of the copy
plain: deflated windows, np.load                          1.3        0.03%
plain: continuous float32, np.load                       49.9        1.17%
bgb: int16 batches                                    4,348.8       97.90%
bgb: int16 batches, scaled by torch                   1,702.9       40.17%
limit: copy float32 in memory                         4,272.0      100.00%
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bgb.data.cache import CachedMeta, cached_path, open_cached, write_cached
from bgb.data.manifest import ManifestRow
from bgb.data.recording import Interval
from bgb.data.torch_dataset import WindowDataset
from bgb.data.windows import WindowSpec, window_starts

RECORDINGS, SECONDS, BATCH, ROUNDS = 40, 900, 16, 7
SPEC = WindowSpec(window_samples=60 * 256, stride_samples=10 * 256, sample_rate_hz=256)
SAMPLES = SECONDS * 256
SCALE = np.float32(10 / 32767)
Reader = Callable[[Sequence[tuple[int, int]]], object]
"""Takes recording and first sample of each window of a batch."""


def write_cache(root: Path) -> tuple[ManifestRow, ...]:
    """The same recordings three times: as bgb caches them, as float32 NPZ, and as deflated windows (a few)."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(RECORDINGS):
        steps = np.clip(rng.normal(0, 3277, (19, SAMPLES)), -32767, 32767).astype(np.int16)
        key = f"train/p{number}/s/m/t"
        seizures = (Interval(start_seconds=100, stop_seconds=190),)
        write_cached(cached_path(root, key), steps, seizures, meta_of(key))
        with open_cached(cached_path(root, key)) as cached:
            rows.append(ManifestRow.of(cached))
        signal = steps * SCALE
        np.savez(root / f"{number}.npz", signal=signal)
        if number < 4:
            windows = np.stack(
                [signal[:, start : start + SPEC.window_samples] for start in window_starts(SAMPLES, SPEC)]
            )
            np.savez_compressed(root / f"{number}_windows.npz", windows=windows)
    return tuple(rows)


def meta_of(key: str) -> CachedMeta:
    return CachedMeta(
        key=key,
        patient=key,
        split="train",
        samples=SAMPLES,
        sample_rate_hz=256,
        source_sha256="",
        source_bytes=0,
        source_mtime_ns=0,
        labels_sha256="",
        settings_digest="",
        code_version=1,
        repaired=(),
        interpolated=(),
        flat=(),
    )


def plain_windows(root: Path) -> Reader:
    """Windows one by one out of deflated NPZ, stacked by numpy."""
    return lambda batch: np.stack(
        [np.load(root / f"{row % 4}_windows.npz")["windows"][start // SPEC.stride_samples] for row, start in batch[:2]]
    )


def plain_continuous(root: Path) -> Reader:
    def read(batch: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        return np.stack(
            [np.load(root / f"{row}.npz")["signal"][:, start : start + SPEC.window_samples] for row, start in batch]
        )

    return read


def own(root: Path, rows: tuple[ManifestRow, ...], *, scaled: bool) -> Reader:
    dataset = WindowDataset(root, rows, SPEC, threads=1)

    def read(batch: Sequence[tuple[int, int]]) -> object:
        signal = dataset.read(np.array([(row, start // SPEC.stride_samples) for row, start in batch])).signal
        return signal.float().mul_(float(SCALE)) if scaled else signal

    return read


def memory_copy() -> Reader:
    """Float32 windows from random places in memory into a batch that is used again."""
    source = np.zeros((10, 19, SAMPLES), np.float32)
    source += 1
    batch = np.zeros((BATCH, 19, SPEC.window_samples), np.float32)

    def read(places: Sequence[tuple[int, int]]) -> None:
        for out, (row, start) in zip(batch, places, strict=True):
            out[:] = source[row % len(source), :, start : start + SPEC.window_samples]

    return read


def windows_per_second(reader: Reader, windows: int, batches: int) -> float:
    rng = np.random.default_rng(1)
    starts = window_starts(SAMPLES, SPEC)
    drawn = [
        list(zip(rng.integers(0, RECORDINGS, BATCH).tolist(), rng.choice(starts, BATCH).tolist(), strict=True))
        for _ in range(batches)
    ]
    reader(drawn[0])
    started = time.process_time()
    for places in drawn:
        reader(places)
    return windows * batches / (time.process_time() - started)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        rows = write_cache(root)
        cases: dict[str, tuple[Reader, int, int]] = {
            "plain: deflated windows, np.load": (plain_windows(root), 2, 1),
            "plain: continuous float32, np.load": (plain_continuous(root), BATCH, 3),
            "bgb: int16 batches": (own(root, rows, scaled=False), BATCH, 60),
            "bgb: int16 batches, scaled by torch": (own(root, rows, scaled=True), BATCH, 60),
            "limit: copy float32 in memory": (memory_copy(), BATCH, 60),
        }
        rates: dict[str, list[float]] = {label: [] for label in cases}
        for _ in range(ROUNDS):
            for label, (reader, windows, batches) in cases.items():
                rates[label].append(windows_per_second(reader, windows, batches))
    limits = rates["limit: copy float32 in memory"]
    print(f"{'':38} windows per CPU second  of the copy")
    for label, values in rates.items():
        share = statistics.median(a / b for a, b in zip(values, limits, strict=True))
        print(f"{label:38} {statistics.median(values):22,.1f}  {share:11.2%}")


if __name__ == "__main__":
    main()
