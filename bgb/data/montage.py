"""The 19 electrodes of the 10-20 system, and which signals of a recording they are."""

from __future__ import annotations

CHANNELS: tuple[str, ...] = (
    *("Fp1", "F3", "C3", "P3", "F7", "T3", "T5", "O1"),
    *("Fz", "Cz", "Pz"),
    *("Fp2", "F4", "C4", "P4", "F8", "T4", "T6", "O2"),
)
"""The order of every signal array in this project."""
