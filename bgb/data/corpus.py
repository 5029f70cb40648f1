"""The TUSZ v2 layout: which recordings there are, and what their headers and labels say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bgb.config import Split
from bgb.data.recording import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusFile:
    """One EDF file and the label files beside it, as the directory listing shows them; nothing was opened."""

    key: str
    """Path under the directory of the splits, without suffix: stems alone are not unique."""
    split: Split
    patient: str
    session: str
    montage: str
    edf: Path
    csv_bi: Path
    """Where the label file must be; whether it is there shows in `index_recording`."""
    csv: Path | None
    edf_bytes: int
    edf_mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedRecording:
    """What header and labels of one recording say, or why it cannot be used."""

    key: str
    split: Split
    patient: str
    seconds: float
    sample_rate_hz: float
    seizures: tuple[Interval, ...]
    edf_bytes: int
    edf_mtime_ns: int
    repaired: tuple[str, ...]
    missing: tuple[str, ...]
    """Channels to interpolate."""
    refused: str | None
    """`field: message`; None: the recording can be used as far as header and labels tell."""
