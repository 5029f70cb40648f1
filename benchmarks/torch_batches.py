"""Handing batches of random 60 s windows to torch: a thread that reads ahead against worker processes.

    OMP_NUM_THREADS=1 python -m benchmarks.torch_batches

Windows a second of wall time, warm; each case in turns, medians of five rounds.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from benchmarks.window_read import BATCH, SAMPLES, SPEC, memory_copy, write_cache
from bgb.data.manifest import ManifestRow
from bgb.data.torch_dataset import WindowDataset
from bgb.data.windows import window_starts
from bgb.train.data import read_ahead

WINDOWS, SLOW_WINDOWS, ROUNDS = 2048, 64, 5
Pairs = NDArray[np.int64]


class PlainDataset(Dataset[torch.Tensor]):
    """A window at a time, as float32, out of the NPZ of its recording."""

    def __init__(self, root: Path, pairs: Pairs) -> None:
        self._root, self._pairs = root, pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> torch.Tensor:
        row, window = self._pairs[index]
        start = int(window) * SPEC.stride_samples
        signal = np.load(self._root / f"{row}.npz")["signal"]
        return torch.from_numpy(signal[:, start : start + SPEC.window_samples].copy())


class CachedDataset(Dataset[torch.Tensor]):
    """A window at a time, as int16, out of the cache: opened in each worker process."""

    def __init__(self, root: Path, rows: tuple[ManifestRow, ...], pairs: Pairs) -> None:
        self._arguments, self._pairs = (root, rows), pairs
        self._dataset: WindowDataset | None = None

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> torch.Tensor:
        if self._dataset is None:
            self._dataset = WindowDataset(*self._arguments, SPEC, threads=1)
        return self._dataset.read(self._pairs[index : index + 1]).signal[0].clone()


def consume(batches: Iterable[object]) -> None:
    for _ in batches:
        pass


def copying(pairs: Pairs) -> None:
    copy, starts = memory_copy(), window_starts(SAMPLES, SPEC)
    for first in range(0, len(pairs), BATCH):
        copy([(int(row), int(starts[window])) for row, window in pairs[first : first + BATCH]])


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        rows = write_cache(root)
        dataset = WindowDataset(root, rows, SPEC)
        pairs = np.random.default_rng(0).permutation(dataset.pairs())[:WINDOWS]
        few = pairs[:SLOW_WINDOWS]
        plain, cached = PlainDataset(root, few), CachedDataset(root, rows, pairs)
        cases: dict[str, tuple[Callable[[], None], int]] = {
            "plain: NPZ, DataLoader, 2 workers": (lambda: consume(DataLoader(plain, BATCH, num_workers=2)), len(few)),
            "bgb cache, DataLoader, 2 workers": (lambda: consume(DataLoader(cached, BATCH, num_workers=2)), len(pairs)),
            "bgb: read ahead": (lambda: consume(read_ahead(dataset, pairs, BATCH)), len(pairs)),
            "limit: copy float32 in memory": (lambda: copying(pairs), len(pairs)),
        }
        rates: dict[str, list[float]] = {label: [] for label in cases}
        for _ in range(ROUNDS):
            for label, (run, windows) in cases.items():
                started = time.perf_counter()
                run()
                rates[label].append(windows / (time.perf_counter() - started))
    limits = rates["limit: copy float32 in memory"]
    print(f"{'':38} windows/s  of the copy")
    for label, values in rates.items():
        share = statistics.median(a / b for a, b in zip(values, limits, strict=True))
        print(f"{label:38} {statistics.median(values):9,.1f}  {share:10.2%}")


if __name__ == "__main__":
    main()
