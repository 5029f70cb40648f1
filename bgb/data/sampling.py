"""Which windows an epoch holds, in which order, and which recordings train and which validate. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bgb.data.windows import ClassCounts, WindowClass

if TYPE_CHECKING:
    from bgb.config import SamplingConfig, SplitConfig


class Assignable(Protocol):
    """What is needed of a recording to put it on one side of a split: a manifest's row, a file of the corpus."""

    @property
    def key(self) -> str: ...
    @property
    def patient(self) -> str: ...


R = TypeVar("R", bound=Assignable)


def balanced_epoch(
    classes: Sequence[NDArray[np.int8]], config: SamplingConfig, *, seed: int, epoch: int
) -> NDArray[np.int64]:
    """(n, 2) of recording and window, shuffled: all partial windows and a fresh draw of the others for each of them.

    `classes` holds the `WindowClass` of each window, an array a recording. Drawn without replacement, so a class with
    too few windows gives all it has. The same arguments give the same order everywhere.

    Where no window is partial (every seizure fills its recording), full windows take their place: all are used, and
    `none_per_partial` counts from them. Without any seizure the epoch is empty.
    """
    flat = np.concatenate(classes) if classes else np.empty(0, np.int8)
    offsets = np.concatenate([[0], np.cumsum([len(item) for item in classes])]).astype(np.int64)
    generator = np.random.default_rng([seed, epoch])
    sizes = np.bincount(flat, minlength=len(WindowClass))
    wanted = _draws(ClassCounts(no_seizure=sizes[0], partial_seizure=sizes[1], full_seizure=sizes[2]), config)
    drawn = [
        generator.choice(np.flatnonzero(flat == kind), size=count, replace=False)
        for kind, count in zip(WindowClass, wanted, strict=True)
    ]
    order = generator.permutation(np.concatenate(drawn))
    rows = np.searchsorted(offsets, order, side="right") - 1
    pairs: NDArray[np.int64] = np.stack([rows, order - offsets[rows]], axis=1)
    return pairs


def epoch_size(counts: ClassCounts, config: SamplingConfig) -> int:
    """How many windows `balanced_epoch` draws, by arithmetic alone."""
    return sum(_draws(counts, config))


def assign_splits(recordings: Sequence[R], config: SplitConfig) -> tuple[tuple[R, ...], tuple[R, ...]]:
    """The recordings that train and those that validate, each in order of key.

    `official` takes the folders `train` and `dev`; `holdout` keeps a share of the patients of `train` for validation,
    `holdout_by_file` a share of its files, which puts one patient on both sides.
    """
    train = _of_split(recordings, "train")
    match config.policy:
        case "official":
            return train, _of_split(recordings, "dev")
        case "holdout":
            held = _held_out({item.patient for item in train}, config)
            return _parted(train, [item.patient in held for item in train])
        case "holdout_by_file":
            held = _held_out({item.key for item in train}, config)
            return _parted(train, [item.key in held for item in train])


def _draws(counts: ClassCounts, config: SamplingConfig) -> tuple[int, int, int]:
    """Windows to draw of each class, in the order of `WindowClass`."""
    partial, full = int(counts.partial_seizure), int(counts.full_seizure)
    anchor = partial or full
    wanted_full = _rounded(config.full_per_partial * partial) if partial else full
    wanted_none = _rounded(config.none_per_partial * anchor)
    return min(wanted_none, int(counts.no_seizure)), partial, min(wanted_full, full)


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)


def _of_split(recordings: Sequence[R], split: str) -> tuple[R, ...]:
    return tuple(sorted((r for r in recordings if r.key.startswith(f"{split}/")), key=lambda item: item.key))


def _held_out(names: set[str], config: SplitConfig) -> set[str]:
    """A seeded choice of about the share, but neither nobody nor everybody."""
    order = np.random.default_rng(config.seed).permutation(sorted(names))
    count = min(max(_rounded(config.share * len(order)), 1), len(order) - 1)
    return set(order[:count].tolist())


def _parted(recordings: tuple[R, ...], held: Sequence[bool]) -> tuple[tuple[R, ...], tuple[R, ...]]:
    sides = tuple(zip(recordings, held, strict=True))
    return tuple(item for item, out in sides if not out), tuple(item for item, out in sides if out)
