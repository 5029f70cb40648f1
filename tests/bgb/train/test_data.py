"""What an epoch holds is a function of seed, epoch and position."""

from __future__ import annotations

from itertools import chain, islice

import numpy as np
import pytest
import torch

from bgb.data.torch_dataset import Batch, WindowDataset
from bgb.data.windows import WindowClass, WindowSpec, classify
from bgb.errors import TrainingStopped
from bgb.train.data import BATCHES_WITHOUT_SEIZURE, DevBatches, Shard, TrainBatches, TrainingData, schedule
from tests.bgb.train.tiny_run import TinyRun, tiny_config, write_recording


def scheduled(tiny: TinyRun) -> TrainingData:
    return schedule(tiny_config(tiny.root), tiny.train_rows, tiny.dev_rows)


def places(batches: list[Batch]) -> list[tuple[int, int]]:
    """Recording and first sample of every window."""
    return [place for batch in batches for place in zip(batch.row.tolist(), batch.start.tolist(), strict=True)]


def test_epochs_differ_and_come_again_with_the_same_seed(tiny: TinyRun) -> None:
    batches = scheduled(tiny).train
    first, second = places(list(batches)), places(list(batches))
    again = scheduled(tiny).train

    assert len(first) == batches.windows
    assert first != second
    assert [places(list(again)), places(list(again))] == [first, second]


@pytest.mark.parametrize("position", [1, 4, 5, 7])
def test_an_epoch_goes_on_where_its_state_says(tiny: TinyRun, position: int) -> None:
    batches = scheduled(tiny).train
    whole = [places([batch]) for _ in range(2) for batch in batches]
    left = scheduled(tiny).train
    for _ in islice(chain(left, left), position):
        pass
    resumed = scheduled(tiny).train
    resumed.load_state_dict(left.state_dict())

    assert [places([batch]) for batch in chain(resumed, resumed)][: len(whole) - position] == whole[position:]


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_processes_side_by_side_see_each_window_of_an_epoch_once(tiny: TinyRun, ranks: int) -> None:
    """Also where the number of processes changes in the middle of an epoch."""
    config = tiny_config(tiny.root)
    spec = WindowSpec.from_config(config.data, config.signal)
    classes = [classify(row.seizures, row.samples, spec) for row in tiny.train_rows]

    def batches(rank: int, count: int) -> TrainBatches:
        dataset = WindowDataset(tiny.root / "cache", tiny.train_rows, spec)
        return TrainBatches(dataset, classes, config, Shard(rank=rank, ranks=count))

    (alone,) = [batches(0, 1)]
    expected = [sorted(places([batch])) for batch in alone]
    parts = [batches(rank, ranks) for rank in range(ranks)]
    begun = [list(islice(part, 2)) for part in parts]
    found = [sorted(places(list(shares))) for shares in zip(*begun, strict=True)]
    resumed = [batches(rank, ranks - 1) for rank in range(ranks - 1)]
    for part in resumed:
        part.load_state_dict(parts[0].state_dict())
    found += [sorted(places(list(shares))) for shares in zip(*map(list, resumed), strict=True)]
    assert found == expected
    assert len({place for batch in found for place in batch}) == alone.windows


def test_dev_is_shared_without_duplicates(tiny: TinyRun) -> None:
    config = tiny_config(tiny.root)
    spec = WindowSpec.from_config(config.data, config.signal)
    dataset = WindowDataset(tiny.root / "cache", tiny.dev_rows, spec)
    parts = [places(list(DevBatches(dataset, 4, Shard(rank=rank, ranks=2)))) for rank in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(places(list(DevBatches(dataset, 4))))


def test_reading_ahead_gives_what_reading_gives(tiny: TinyRun) -> None:
    data, spec = scheduled(tiny), WindowSpec(window_samples=1024, stride_samples=512, sample_rate_hz=256)
    directly = WindowDataset(tiny.root / "cache", tiny.train_rows, spec)

    for index, batch in enumerate(data.train):
        expected = directly.read(data.train.pairs(0)[4 * index : 4 * index + 4])
        assert all(torch.equal(one, other) for one, other in zip(batch, expected, strict=True))


def test_dev_is_seen_from_end_to_end_without_overlap(tiny: TinyRun) -> None:
    data = scheduled(tiny)
    seen = np.zeros(tiny.dev_rows[0].samples, np.int64)
    for batch in data.dev:
        for start, valid in zip(batch.start.tolist(), batch.valid.tolist(), strict=True):
            seen[start : start + valid] += 1

    assert len(list(data.dev)) == len(data.dev)
    assert (seen[:6656] == 1).all()
    # The last window ends at the end, so that its whole length is recorded.
    assert (seen[6656:7168] == 2).all()
    assert (seen[7168:] == 1).all()


def test_a_seizure_sample_weighs_what_balances_the_first_epoch(tiny: TinyRun) -> None:
    data = scheduled(tiny)
    labels = torch.cat([batch.label for batch in data.train])

    assert data.positive_weight == pytest.approx(float((labels == 0).sum() / (labels == 1).sum()))


def test_batches_without_a_seizure_stop_the_training(tiny: TinyRun) -> None:
    config = tiny_config(tiny.root, train={"batch_size": 1})
    row = write_recording(tiny.root / "cache", "train/ad/r0")
    spec = WindowSpec(window_samples=256, stride_samples=128, sample_rate_hz=256)
    claimed = np.full(59, WindowClass.PARTIAL_SEIZURE, np.int8)
    batches = TrainBatches(WindowDataset(tiny.root / "cache", [row], spec), [claimed], config)

    with pytest.raises(TrainingStopped, match=r"no sample of the first 50 batches is in a seizure; expected about"):
        list(batches)

    assert batches.state_dict()["position"] == BATCHES_WITHOUT_SEIZURE


def test_recordings_without_a_seizure_train_nothing(tiny: TinyRun) -> None:
    with pytest.raises(TrainingStopped, match="1 training recordings give no window with a seizure"):
        schedule(tiny_config(tiny.root), tiny.train_rows[2:], tiny.dev_rows)


def test_recordings_without_a_seizure_validate_nothing(tiny: TinyRun) -> None:
    with pytest.raises(TrainingStopped, match="none of 1 dev recordings holds a seizure"):
        schedule(tiny_config(tiny.root), tiny.train_rows, tiny.train_rows[2:])
