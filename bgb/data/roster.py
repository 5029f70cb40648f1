"""Who takes part in a run: the recordings of each split, with what is needed to plan and nothing of their signal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from bgb.data.recording import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One recording that takes part. `samples` counts at the rate of the cache, not of the EDF file."""

    key: str
    patient: str
    samples: int
    seizures: tuple[Interval, ...]


def chosen_keys(keys: Iterable[str], limit_files: int | None) -> frozenset[str]:
    """The keys that a limit keeps: a fixed choice in order of the keys' SHA-256.

    The first files by name are those of one to three patients and may hold no seizure at all; a choice by digest is
    as fixed as theirs and spreads over patients.
    """
    ordered = sorted(keys, key=lambda key: hashlib.sha256(key.encode()).digest())
    return frozenset(ordered if limit_files is None else ordered[:limit_files])
