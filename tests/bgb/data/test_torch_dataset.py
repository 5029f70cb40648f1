from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.fabric.utilities import move_data_to_device

from bgb.data import torch_dataset
from bgb.data.cache import cached_path, open_cached
from bgb.data.manifest import ManifestRow, read_manifest
from bgb.data.torch_dataset import BATCHES_KEPT, Batch, WindowDataset
from bgb.data.windows import seizure_mask, window_starts
from bgb.errors import CacheError
from tests.bgb.data.small_corpus import SPEC, build, small_corpus


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("windows")
    build(small_corpus(folder / "corpus"), folder / "cache")
    return folder / "cache"


@pytest.fixture
def rows(cache: Path) -> tuple[ManifestRow, ...]:
    return read_manifest(cache, "train").rows


@pytest.fixture
def dataset(cache: Path, rows: tuple[ManifestRow, ...]) -> WindowDataset:
    return WindowDataset(cache, rows, SPEC)


def signal_of(cache: Path, row: ManifestRow) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    out = np.empty((19, row.samples), np.int16)
    with open_cached(cached_path(cache, row.key)) as cached:
        cached.read_window(0, out)
    return out


def test_every_window_of_every_recording_comes_in_order_with_its_labels(
    cache: Path, rows: tuple[ManifestRow, ...], dataset: WindowDataset
) -> None:
    pairs = dataset.pairs()
    batch = dataset.read(pairs)
    assert len(dataset) == len(pairs) == len(batch.signal)
    expected = [(index, start) for index, row in enumerate(rows) for start in window_starts(row.samples, SPEC).tolist()]
    assert list(zip(batch.row.tolist(), batch.start.tolist(), strict=True)) == expected
    for signal, label, (index, start) in zip(batch.signal, batch.label, expected, strict=True):
        stop = start + SPEC.window_samples
        np.testing.assert_array_equal(signal, signal_of(cache, rows[index])[:, start:stop])
        np.testing.assert_array_equal(label, seizure_mask(rows[index].seizures, start, SPEC.window_samples, 256))
    assert batch.label.any()


def test_signal_stays_int16_and_labels_uint8(dataset: WindowDataset) -> None:
    batch = dataset.read(dataset.pairs()[:3])
    assert [(tensor.dtype, tuple(tensor.shape)) for tensor in batch] == [
        (torch.int16, (3, 19, 1024)),
        (torch.uint8, (3, 1024)),
        (torch.int64, (3,)),
        (torch.int64, (3,)),
        (torch.int64, (3,)),
    ]


def test_a_recording_shorter_than_a_window_is_padded_with_zeros_and_says_how_much_is_valid(
    cache: Path, rows: tuple[ManifestRow, ...]
) -> None:
    spec = dataclasses.replace(SPEC, window_samples=60 * 256)
    batch = WindowDataset(cache, rows, spec).read(np.array([[0, 0]]))
    valid = rows[0].samples
    assert batch.valid.tolist() == [valid]
    assert not batch.signal[0, :, valid:].any()
    assert not batch.label[0, valid:].any()
    assert batch.signal[0, :, :valid].any()


def test_windows_come_in_the_order_asked_for(dataset: WindowDataset) -> None:
    whole = dataset.read(dataset.pairs())
    order = np.random.default_rng(0).permutation(len(dataset))
    shuffled = dataset.read(dataset.pairs()[order])
    for one, other in zip(shuffled, whole, strict=True):
        assert torch.equal(one, other[torch.from_numpy(order)])


def test_a_batch_is_good_until_some_more_are_read_and_its_labels_for_ever(dataset: WindowDataset) -> None:
    pairs = dataset.pairs()
    first = dataset.read(pairs[:2])
    signal, label = first.signal.clone(), first.label.clone()
    for _ in range(BATCHES_KEPT - 1):
        dataset.read(pairs[2:4])
    assert torch.equal(first.signal, signal)
    again = dataset.read(pairs[2:4])
    assert again.signal.data_ptr() == first.signal.data_ptr()
    assert torch.equal(first.label, label)


def test_a_batch_stays_a_batch_when_lightning_moves_it(dataset: WindowDataset) -> None:
    batch = dataset.read(dataset.pairs()[:2])
    moved = move_data_to_device(batch, torch.device("meta"))
    assert isinstance(moved, Batch)
    assert {tensor.device.type for tensor in moved} == {"meta"}


def test_memory_is_not_written_while_a_gpu_still_reads_from_it(
    dataset: WindowDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stands in for a copy that is under way: there is no GPU to make one."""
    pairs, waited = dataset.pairs()[:2], []

    class UnderWay:
        def synchronize(self) -> None:
            waited.append(first.signal.clone())

    first = dataset.read(pairs)
    content = first.signal.clone()
    monkeypatch.setitem(torch_dataset.UNDER_WAY, first.signal.data_ptr(), UnderWay())
    for _ in range(BATCHES_KEPT - 1):
        dataset.read(pairs[::-1])
    assert not waited
    dataset.read(pairs[::-1])
    assert len(waited) == 1
    assert torch.equal(waited[0], content)
    assert not torch_dataset.UNDER_WAY


def test_any_number_of_threads_reads_the_same(cache: Path, rows: tuple[ManifestRow, ...]) -> None:
    one = WindowDataset(cache, rows, SPEC, threads=1)
    order = np.random.default_rng(0).permutation(one.pairs())
    expected = one.read(order).signal
    for threads in (2, 3, 8):
        assert torch.equal(WindowDataset(cache, rows, SPEC, threads=threads).read(order).signal, expected)


def test_any_number_of_recordings_needs_a_fixed_number_of_handles(
    cache: Path, rows: tuple[ManifestRow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_dataset, "OPEN_FILES", 2)
    dataset = WindowDataset(cache, rows, SPEC)
    expected = WindowDataset(cache, rows, SPEC).read(dataset.pairs()[::-1]).signal
    before = len(list(Path("/proc/self/fd").iterdir()))
    found = dataset.read(dataset.pairs()[::-1]).signal
    assert len(list(Path("/proc/self/fd").iterdir())) == before + 2
    assert torch.equal(found, expected)


def test_a_cached_file_that_is_not_the_one_of_the_manifest_is_an_error(
    cache: Path, rows: tuple[ManifestRow, ...]
) -> None:
    older = dataclasses.replace(rows[0], labels_sha256="0" * 64)
    with pytest.raises(CacheError, match="not what the manifest says"):
        WindowDataset(cache, (older,), SPEC).read(np.array([[0, 0]]))


def test_windows_at_another_rate_than_the_cache_are_refused(cache: Path, rows: tuple[ManifestRow, ...]) -> None:
    with pytest.raises(CacheError, match="256 Hz, the windows are at 512 Hz"):
        WindowDataset(cache, rows, dataclasses.replace(SPEC, sample_rate_hz=512))


def test_no_recordings_give_no_windows(cache: Path) -> None:
    empty = WindowDataset(cache, (), SPEC)
    assert len(empty) == 0
    assert empty.pairs().shape == (0, 2)
    assert empty.read(empty.pairs()).signal.shape == (0, 19, 1024)
