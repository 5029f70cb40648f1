"""The 19 electrodes of the 10-20 system, and which signals of a recording they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bgb.errors import MontageError

CHANNELS: tuple[str, ...] = (
    *("Fp1", "F3", "C3", "P3", "F7", "T3", "T5", "O1"),
    *("Fz", "Cz", "Pz"),
    *("Fp2", "F4", "C4", "P4", "F8", "T4", "T6", "O2"),
)
"""The order of every signal array in this project."""

INTERPOLABLE = frozenset({"Fz", "Pz"})
"""Missing in some recordings of TUSZ, and surrounded by electrodes on all sides."""

_NEW_NAMES = {"T7": "T3", "T8": "T4", "P7": "T5", "P8": "T6"}
_CANONICAL = {name.upper(): name for name in CHANNELS} | _NEW_NAMES
_LABEL = re.compile(r"(?:EEG )?\s*([A-Z]+[0-9Z]+)\s*(?:-\s*(REF|LE|AR|AVG))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMatch:
    """Where the 19 channels are among the signals of a recording."""

    indices: tuple[int | None, ...]
    """In the order of `CHANNELS`; None where the channel is missing."""
    missing: tuple[str, ...]
    """Only channels that can be interpolated."""

    @property
    def present(self) -> tuple[int, ...]:
        return tuple(index for index in self.indices if index is not None)


def match_channels(labels: Sequence[str]) -> ChannelMatch:
    """Find the 19 channels by label: `EEG FP1-REF`, `-LE`, `-AR`, `-AVG` or none, in any case, old or new names.

    Raises `MontageError` when a channel other than Fz and Pz is missing, when two signals claim one channel, and when
    the channels were measured against different references: their differences would then mean nothing.
    """
    claims: dict[str, list[int]] = {name: [] for name in CHANNELS}
    references = set()
    for index, label in enumerate(labels):
        match = _LABEL.fullmatch(label.strip())
        name = _CANONICAL.get(match[1].upper()) if match else None
        if match and name:
            claims[name].append(index)
            references.add((match[2] or "none").upper())
    _check_claims(claims, references, labels)
    return ChannelMatch(
        indices=tuple(claims[name][0] if claims[name] else None for name in CHANNELS),
        missing=tuple(name for name in CHANNELS if not claims[name]),
    )


def _check_claims(claims: dict[str, list[int]], references: set[str], labels: Sequence[str]) -> None:
    for name, indices in claims.items():
        if len(indices) > 1:
            twice = " and ".join(f"signal {index} ({labels[index]!r})" for index in indices)
            raise MontageError(f"{name} is claimed by {twice}; expected one")
    missing = [name for name in CHANNELS if not claims[name] and name not in INTERPOLABLE]
    if missing:
        found = ", ".join(repr(label) for label in labels)
        raise MontageError(f"no signal for {', '.join(missing)} among {found}; only Fz and Pz can be interpolated")
    if len(references) > 1:
        raise MontageError(f"channels have different references: {', '.join(sorted(references))}; expected one")
