"""Windows of a cache as batches for torch: int16 up to the device, scaled there.

Reading is one positioned read a window into a batch that is used again, by threads of this process: one keeps up with
copying memory, more keep a cold disk busy. Worker processes make it 5 to 14 times slower: each batch then crosses
shared memory. Where there is a GPU the batches lie in pinned memory, so that copying them there needs no CPU.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from bgb.data.cache import CachedRecording, cached_path, open_cached
from bgb.data.manifest import ManifestRow
from bgb.data.montage import CHANNELS
from bgb.data.windows import WindowSpec, seizure_mask, window_starts
from bgb.errors import CacheError

OPEN_FILES = 256
"""Recordings kept open: a corpus has 6,499, a process may hold 1,024 files, and opening costs less than a window."""

THREADS = 2
"""That read the windows of a batch: a second one adds a half, warm or cold; more add little on a local disk."""

BATCHES_KEPT = 4
"""How many batches a signal stays valid for: one in use, one ready, one being read, one to spare."""


class Batch(NamedTuple):
    """Some windows, with where each is from."""

    signal: torch.Tensor
    """(batch, 19, samples) int16 in steps of the signal settings' scale; zeros after the end of a recording."""
    label: torch.Tensor
    """(batch, samples) uint8: 1 in a seizure."""
    valid: torch.Tensor
    """(batch,) int64: samples of the window that the recording has."""
    row: torch.Tensor
    """(batch,) int64: which recording of the data set."""
    start: torch.Tensor
    """(batch,) int64: first sample of the window."""

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on a device; from pinned memory the CPU goes on before the signal has arrived there."""
        pinned = self.signal.is_pinned()
        signal = self.signal.to(device, non_blocking=pinned)
        if pinned and signal.is_cuda:
            stream: Any = torch.cuda.current_stream(signal.device)
            UNDER_WAY[self.signal.data_ptr()] = stream.record_event()
        return Batch(signal, *(tensor.to(device) for tensor in self[1:]))


class Copied(Protocol):
    """A `torch.cuda.Event` after a copy."""

    def synchronize(self) -> None: ...


UNDER_WAY: dict[int, Copied] = {}
"""Copies to a GPU that may not have ended, by the address of the memory that they read."""


class WindowDataset:
    """The windows of some recordings of a cache.

    Whoever reads keeps to one thread at a time. A batch's signal is overwritten after `BATCHES_KEPT` more reads; all
    else in it is its own.
    """

    def __init__(self, cache: Path, rows: Sequence[ManifestRow], spec: WindowSpec, *, threads: int = THREADS) -> None:
        self.rows = tuple(rows)
        self.spec = spec
        self._starts = [window_starts(row.samples, spec) for row in self.rows]
        self._files = _OpenFiles(cache, self.rows)
        self._signals = [torch.empty((0, len(CHANNELS), spec.window_samples), dtype=torch.int16)] * BATCHES_KEPT
        self._reads = 0
        self._count = threads
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="windows") if threads > 1 else None
        for row in self.rows:
            if row.sample_rate_hz != spec.sample_rate_hz:
                raise CacheError(
                    f"{row.key}: cached at {row.sample_rate_hz} Hz, the windows are at {spec.sample_rate_hz} Hz; "
                    "build a cache with this run's signal settings"
                )

    def __len__(self) -> int:
        """Windows of all recordings."""
        return sum(map(len, self._starts))

    def pairs(self) -> NDArray[np.int64]:
        """(windows, 2) of recording and window: every window, in order."""
        counts = [len(starts) for starts in self._starts]
        windows = np.concatenate([np.arange(count) for count in counts]) if counts else np.empty(0, np.int64)
        return np.stack([np.repeat(np.arange(len(counts)), counts), windows], axis=1)

    def read(self, pairs: NDArray[np.int64]) -> Batch:
        """The windows that (n, 2) pairs of recording and window name; `CacheError` for a file that is damaged or is
        not the one of the manifest."""
        signal = self._next_signal(len(pairs))
        label = np.zeros((len(pairs), self.spec.window_samples), np.uint8)
        valid, start = np.empty(len(pairs), np.int64), np.empty(len(pairs), np.int64)
        for index, (row_index, window) in enumerate(pairs.tolist()):
            row, first = self.rows[row_index], int(self._starts[row_index][window])
            start[index], valid[index] = first, min(self.spec.window_samples, row.samples - first)
            if row.seizures:
                rate = self.spec.sample_rate_hz
                label[index, : valid[index]] = seizure_mask(row.seizures, first, int(valid[index]), rate)
        self._read_signals(pairs[:, 0], start, signal.numpy())
        return Batch(
            signal=signal,
            label=torch.from_numpy(label),
            valid=torch.from_numpy(valid),
            row=torch.from_numpy(pairs[:, 0].copy()),
            start=torch.from_numpy(start),
        )

    def _next_signal(self, size: int) -> torch.Tensor:
        """Room for a batch once nothing reads from it. A fresh one would cost more in page faults than reading it."""
        slot = self._reads % BATCHES_KEPT
        self._reads += 1
        if copied := UNDER_WAY.pop(self._signals[slot].data_ptr(), None):
            copied.synchronize()
        if len(self._signals[slot]) < size:
            shape = (size, len(CHANNELS), self.spec.window_samples)
            self._signals[slot] = torch.empty(shape, dtype=torch.int16, pin_memory=torch.cuda.is_available())
        return self._signals[slot][:size]

    def _read_signals(self, rows: NDArray[np.int64], starts: NDArray[np.int64], out: NDArray[np.int16]) -> None:
        """Fill (n, 19, samples) a group of recordings at a time, of which the files stay open meanwhile."""
        order = np.argsort(rows, kind="stable")
        for first in range(0, len(order), OPEN_FILES):
            group = order[first : first + OPEN_FILES].tolist()
            jobs = [(self._files[int(rows[index])], int(starts[index]), out[index]) for index in group]
            if self._threads is None or len(jobs) == 1:
                _read_in_turn(jobs)
            else:
                for done in [self._threads.submit(_read_in_turn, jobs[n :: self._count]) for n in range(self._count)]:
                    done.result()


def _read_in_turn(jobs: Sequence[tuple[CachedRecording, int, NDArray[np.int16]]]) -> None:
    for file, start, out in jobs:
        file.read_window(start, out)


class _OpenFiles:
    """The recordings used last, open; each is held against its row of the manifest when it is opened."""

    def __init__(self, cache: Path, rows: Sequence[ManifestRow]) -> None:
        self._cache = cache
        self._rows = rows
        self._open: OrderedDict[int, CachedRecording] = OrderedDict()

    def __getitem__(self, index: int) -> CachedRecording:
        if index in self._open:
            self._open.move_to_end(index)
            return self._open[index]
        if len(self._open) >= OPEN_FILES:
            self._open.popitem(last=False)[1].close()
        row = self._rows[index]
        cached = open_cached(cached_path(self._cache, row.key))
        if ManifestRow.of(cached) != row:
            cached.close()
            raise CacheError(
                f"{cached.path}: is not what the manifest says; `bgb build-cache` writes the manifest again"
            )
        self._open[index] = cached
        return cached
