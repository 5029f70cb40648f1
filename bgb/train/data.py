"""What an epoch holds: batches that are a function of seed, epoch and position, so that training can go on anywhere."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bgb.config import RunConfig
from bgb.data.manifest import ManifestRow
from bgb.data.sampling import balanced_epoch
from bgb.data.torch_dataset import Batch, WindowDataset
from bgb.data.windows import ClassCounts, WindowSpec, classify, count_classes, seizure_mask, window_starts
from bgb.errors import TrainingStopped

Pairs = NDArray[np.int64]
"""(n, 2) of recording and window."""

BATCHES_WITHOUT_SEIZURE = 50
"""A third of a balanced epoch's windows hold seizure: with one window a batch, chance needs 10^9 runs to do this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Which part of every batch a process takes that trains beside others."""

    rank: int = 0
    ranks: int = 1

    def of(self, batch: Pairs) -> Pairs:
        """Every `ranks`-th window: the parts make up the batch, none twice, and differ by one window at most."""
        return batch[self.rank :: self.ranks]


class TrainBatches:
    """The batches of one epoch after another. Lightning keeps its state in checkpoints.

    The order is one for all processes, and the state counts whole batches: a training goes on with any number of them.
    """

    def __init__(
        self,
        dataset: WindowDataset,
        classes: Sequence[NDArray[np.int8]],
        config: RunConfig,
        shard: Shard = Shard(),
    ) -> None:
        self._shard = shard
        self._dataset = dataset
        self._classes = classes
        self._config = config
        self._epoch = 0
        self._position = 0
        self._seizure_seen = False
        self.windows = len(self.pairs(0))

    def __len__(self) -> int:
        """Batches of an epoch."""
        return math.ceil(self.windows / self._config.train.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """The rest of this epoch, or the next one where this one is over."""
        if self._position >= len(self):
            self._epoch, self._position = self._epoch + 1, 0
        size = self._config.train.batch_size
        pairs = self.pairs(self._epoch)[self._position * size :]
        for batch in read_ahead(self._dataset, pairs, size, self._shard):
            self._position += 1
            self._watch(batch)
            yield batch

    def pairs(self, epoch: int) -> Pairs:
        """What an epoch holds, in its order."""
        return balanced_epoch(self._classes, self._config.data.sampling, seed=self._config.seed, epoch=epoch)

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self._epoch, self._position = state["epoch"], state["position"]

    def _watch(self, batch: Batch) -> None:
        self._seizure_seen = self._seizure_seen or bool(batch.label.any())
        if not self._seizure_seen and self._position >= BATCHES_WITHOUT_SEIZURE:
            raise TrainingStopped(
                f"no sample of the first {self._position} batches is in a seizure; "
                f"expected about a third of their windows to hold one. Look at the cache: bgb scan-cache --verify"
            )


class DevBatches:
    """Every recording of dev from end to end, windows side by side."""

    def __init__(
        self,
        dataset: WindowDataset,
        batch_size: int,
        shard: Shard = Shard(),
    ) -> None:
        self._dataset = dataset
        self._shard = shard
        self._batch_size = batch_size
        self.windows = len(dataset)

    def __len__(self) -> int:
        return math.ceil(self.windows / self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        return read_ahead(self._dataset, self._dataset.pairs(), self._batch_size, self._shard)


def read_ahead(
    dataset: WindowDataset,
    pairs: Pairs,
    batch_size: int,
    shard: Shard = Shard(),
) -> Iterator[Batch]:
    """A shard of each batch of these windows, the next one read while one is worked on.

    Threads read 10,000 windows a second from the cache; worker processes reach a seventh of it, since each batch then
    crosses shared memory.
    """
    chunks = [shard.of(pairs[first : first + batch_size]) for first in range(0, len(pairs), batch_size)]
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = [reader.submit(dataset.read, chunk) for chunk in chunks[:1]]
        for chunk in chunks[1:]:
            coming.append(reader.submit(dataset.read, chunk))
            yield coming.pop(0).result()
        for last in coming:
            yield last.result()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingData:
    """What is trained on and what is validated on."""

    train: TrainBatches
    dev: DevBatches
    counts: ClassCounts
    """Of one epoch."""
    positive_weight: float
    """Samples outside of seizures for each one inside, in the first epoch."""


def schedule(config: RunConfig, train_rows: Sequence[ManifestRow], dev_rows: Sequence[ManifestRow]) -> TrainingData:
    """The batches of a run; `TrainingStopped` where there is nothing to learn from or to validate on."""
    spec = WindowSpec.from_config(config.data, config.signal)
    classes = [classify(row.seizures, row.samples, spec) for row in train_rows]
    dataset = WindowDataset(config.paths.cache, train_rows, spec)
    train = TrainBatches(dataset, classes, config)
    if train.windows == 0:
        raise TrainingStopped(
            f"{len(train_rows)} training recordings give no window with a seizure; expected some. "
            "Look at the labels: bgb scan-cache"
        )
    if not any(row.seizures for row in dev_rows):
        raise TrainingStopped(f"none of {len(dev_rows)} dev recordings holds a seizure; AUROC needs some")
    first = train.pairs(0)
    # The next window begins where one ends: 60 s every 10 s would look at each sample six times.
    dev_spec = dataclasses.replace(spec, stride_samples=spec.window_samples)
    return TrainingData(
        train=train,
        dev=DevBatches(WindowDataset(config.paths.cache, dev_rows, dev_spec), config.train.batch_size),
        counts=count_classes(np.concatenate([classes[row][[window]] for row, window in first])),
        positive_weight=_positive_weight(train_rows, first, spec),
    )


def _positive_weight(rows: Sequence[ManifestRow], pairs: Pairs, spec: WindowSpec) -> float:
    """Recorded samples outside of seizures for each one inside, over these windows."""
    total = inside = 0
    for index in np.unique(pairs[:, 0]):
        row, windows = rows[index], pairs[pairs[:, 0] == index, 1]
        starts = window_starts(row.samples, spec)[windows]
        stops = np.minimum(starts + spec.window_samples, row.samples)
        total += int((stops - starts).sum())
        if row.seizures:
            mask = seizure_mask(row.seizures, 0, row.samples, spec.sample_rate_hz)
            before = np.concatenate([[0], np.cumsum(mask, dtype=np.int64)])
            inside += int((before[stops] - before[starts]).sum())
    return (total - inside) / inside
