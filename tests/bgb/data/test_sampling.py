from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bgb.config import SamplingConfig, SplitConfig
from bgb.data.sampling import assign_splits, balanced_epoch, epoch_size
from bgb.data.windows import ClassCounts, WindowClass

CONFIG = SamplingConfig()
NONE, PARTIAL, FULL = WindowClass


def classes_of(*rows: str) -> list[NDArray[np.int8]]:
    """A row for each recording, a digit for each window."""
    return [np.array([int(digit) for digit in row], np.int8) for row in rows]


def counts_of(classes: list[NDArray[np.int8]]) -> ClassCounts:
    none, partial, full = np.bincount(np.concatenate(classes), minlength=3).tolist()
    return ClassCounts(no_seizure=none, partial_seizure=partial, full_seizure=full)


def drawn(classes: list[NDArray[np.int8]], epoch: NDArray[np.int64]) -> Counter[int]:
    return Counter(int(classes[row][window]) for row, window in epoch.tolist())


MANY = classes_of("0" * 90 + "1" * 10, "", "2" * 30, "0" * 50, "1" * 10 + "2" * 5)


def test_an_epoch_holds_all_partial_windows_and_the_stated_share_of_the_others() -> None:
    epoch = balanced_epoch(MANY, CONFIG, seed=0, epoch=0)
    assert drawn(MANY, epoch) == {PARTIAL: 20, FULL: 6, NONE: 50}
    assert len({tuple(pair) for pair in epoch.tolist()}) == len(epoch)


@given(rows=st.lists(st.text("012", max_size=12), max_size=6), seed=st.integers(0, 9), epoch=st.integers(0, 9))
def test_the_size_of_an_epoch_is_known_without_drawing_it(rows: list[str], seed: int, epoch: int) -> None:
    classes = classes_of(*rows)
    pairs = balanced_epoch(classes, CONFIG, seed=seed, epoch=epoch)
    counts = counts_of([*classes, np.empty(0, np.int8)])
    assert pairs.shape == (epoch_size(counts, CONFIG), 2)
    assert drawn(classes, pairs)[PARTIAL] == counts.partial_seizure
    assert len({tuple(pair) for pair in pairs.tolist()}) == len(pairs)


def test_a_class_with_too_few_windows_gives_all_it_has_and_none_twice() -> None:
    classes = classes_of("1" * 10, "000", "2")
    assert drawn(classes, balanced_epoch(classes, CONFIG, seed=0, epoch=0)) == {PARTIAL: 10, FULL: 1, NONE: 3}


def test_where_every_seizure_fills_its_recording_full_windows_take_the_place_of_partial_ones() -> None:
    classes = classes_of("2222", "0" * 100)
    assert drawn(classes, balanced_epoch(classes, CONFIG, seed=0, epoch=0)) == {FULL: 4, NONE: 10}


def test_without_any_seizure_an_epoch_is_empty() -> None:
    classes = classes_of("0" * 100)
    assert balanced_epoch(classes, CONFIG, seed=0, epoch=0).shape == (0, 2)
    assert balanced_epoch([], CONFIG, seed=0, epoch=0).shape == (0, 2)


def test_the_order_follows_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[list[int]]:
        pairs: list[list[int]] = balanced_epoch(MANY, CONFIG, seed=seed, epoch=epoch).tolist()
        return pairs

    assert order(1, 2) == order(1, 2)
    assert len({str(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


def test_over_epochs_every_window_without_a_seizure_gets_its_turn() -> None:
    seen = {tuple(pair) for epoch in range(40) for pair in balanced_epoch(MANY, CONFIG, seed=0, epoch=epoch).tolist()}
    assert len(seen) == sum(map(len, MANY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    key: str
    patient: str


def corpus(patients: int, files_each: int) -> list[Item]:
    return [
        Item(key=f"{split}/p{split}{number:03}/s/m/{number:03}_{file}", patient=f"p{split}{number:03}")
        for split in ("train", "dev", "eval")
        for number in range(patients)
        for file in range(1 + (number * 7 + 3) % files_each)
    ]


def test_the_official_policy_takes_the_folders() -> None:
    train, dev = assign_splits(corpus(5, 3), SplitConfig())
    assert {item.key.split("/")[0] for item in train} == {"train"}
    assert {item.key.split("/")[0] for item in dev} == {"dev"}
    assert len(train) == len(dev)


def test_holdout_keeps_a_share_of_the_patients_of_train_and_none_of_them_on_both_sides() -> None:
    everything = corpus(50, 9)
    train, dev = assign_splits(everything, SplitConfig(policy="holdout", share=0.2, seed=3))
    both = sorted((*train, *dev), key=lambda item: item.key)
    assert both == sorted((item for item in everything if item.key.startswith("train/")), key=lambda item: item.key)
    assert not {item.patient for item in train} & {item.patient for item in dev}
    assert len({item.patient for item in dev}) == 10


@pytest.mark.parametrize(("patients", "held"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_few_patients_still_give_both_sides_where_they_can(patients: int, held: int) -> None:
    train, dev = assign_splits(corpus(patients, 2), SplitConfig(policy="holdout"))
    assert len({item.patient for item in dev}) == held
    assert len({item.patient for item in train}) == patients - held


def test_holdout_by_file_reproduces_the_published_numbers_and_leaks_patients() -> None:
    files = [Item(key=f"train/p{i % 579:03}/s/m/{i}", patient=f"p{i % 579:03}") for i in range(4667)]
    train, dev = assign_splits(files, SplitConfig(policy="holdout_by_file"))
    assert (len(train), len(dev)) == (3734, 933)
    assert {item.patient for item in train} & {item.patient for item in dev}


@pytest.mark.parametrize("policy", ["holdout", "holdout_by_file"])
def test_who_is_held_out_follows_the_seed_and_not_the_order_of_the_recordings(policy: str) -> None:
    def held(seed: int, *, backwards: bool = False) -> list[str]:
        config = SplitConfig.model_validate({"policy": policy, "seed": seed})
        items = corpus(20, 4)
        return [item.key for item in assign_splits(items[::-1] if backwards else items, config)[1]]

    assert held(0) == held(0, backwards=True)
    assert held(0) != held(1)
