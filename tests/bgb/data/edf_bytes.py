"""EDF files for tests, written byte by byte, so that each field can be wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

TUSZ_LABELS = tuple(
    f"EEG {name}-REF"
    for name in (
        *("FP1", "FP2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"),
        *("F7", "F8", "T3", "T4", "T5", "T6", "FZ", "CZ", "PZ", "EKG1"),
    )
)

_HEADER = {
    "version": ("0", 8),
    "patient": ("X X X X", 80),
    "recording": ("Startdate X X X X", 80),
    "startdate": ("01.01.85", 8),
    "starttime": ("00.00.00", 8),
    "header_bytes": ("", 8),
    "reserved": ("", 44),
    "n_records": ("", 8),
    "record_seconds": ("1", 8),
    "n_signals": ("", 4),
}
_SIGNAL = {
    "label": ("", 16),
    "transducer": ("", 80),
    "physical_dimension": ("uV", 8),
    "physical_min": ("-3276.8", 8),
    "physical_max": ("3276.7", 8),
    "digital_min": ("-32768", 8),
    "digital_max": ("32767", 8),
    "prefiltering": ("", 80),
    "samples_per_record": ("", 8),
    "reserved": ("", 32),
}


def eeg_digital(n_signals: int, samples: int, seed: int = 0) -> list[NDArray[np.int16]]:
    """Noise of 20 uV at the writer's default scale of 0.1 uV a step."""
    rng = np.random.default_rng(seed)
    return [np.rint(rng.normal(0, 200, samples)).astype(np.int16) for _ in range(n_signals)]


def edf_bytes(
    digital: Sequence[NDArray[np.int16]] | None = None,
    *,
    labels: Sequence[str] = TUSZ_LABELS,
    n_records: int = 5,
    header: Mapping[str, str] | None = None,
    signals: Mapping[str, str | Mapping[int, str]] | None = None,
) -> bytes:
    """A file of these digital values, cut evenly into records.

    `header` replaces fields of the header proper; `signals` replaces fields of all signals, or of those by number.
    """
    digital = digital if digital is not None else eeg_digital(len(labels), 250 * n_records)
    lengths = [len(values) // n_records for values in digital]
    fields = {
        "header_bytes": str(256 * (1 + len(labels))),
        "n_records": str(n_records),
        "n_signals": str(len(labels)),
        **(header or {}),
    }
    parts = [fields.get(name, default).encode("latin-1").ljust(width) for name, (default, width) in _HEADER.items()]
    own = {"label": dict(enumerate(labels)), "samples_per_record": {i: str(n) for i, n in enumerate(lengths)}}
    for name, (default, width) in _SIGNAL.items():
        replaced = (signals or {}).get(name, {})
        for index in range(len(labels)):
            text = replaced if isinstance(replaced, str) else replaced.get(index, own.get(name, {}).get(index, default))
            parts.append(text.encode("latin-1").ljust(width))
    for record in range(n_records):
        for values, length in zip(digital, lengths, strict=True):
            parts.append(values[record * length : (record + 1) * length].astype("<i2").tobytes())
    return b"".join(parts)
