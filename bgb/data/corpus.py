"""The TUSZ v2 layout: which recordings there are, and what their headers and labels say."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bgb.data.annotations import read_csv_bi
from bgb.data.edf import checked_rate_hz, read_header
from bgb.data.recording import Interval, match_recording
from bgb.errors import DataError, RecordingRefused
from bgb.splits import SPLITS, Split

_LAYOUT = "<split>/<patient>/<session>/<montage>/<stem>.edf"
_LAYOUT_DEPTH = 4


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


def split_folders(root: Path) -> dict[Split, Path]:
    """The split folders that `root`, or `edf/` in it, holds."""
    if not root.is_dir():
        raise DataError(f"{root}: there is no such directory; expected the root of a TUSZ v2 corpus")
    for base in (root, root / "edf"):
        found: dict[Split, Path] = {split: base / split for split in SPLITS if (base / split).is_dir()}
        if found:
            return found
    raise DataError(f"{root}: neither it nor edf/ in it holds {' or '.join(SPLITS)}; expected {_LAYOUT}")


def with_eval(splits: Sequence[Split], root: Path) -> tuple[Split, ...]:
    """These splits, there or not, and `eval` where the corpus holds it."""
    return (*splits, "eval") if "eval" in split_folders(root) else tuple(splits)


def discover(root: Path, *, splits: Sequence[Split] = SPLITS) -> tuple[CorpusFile, ...]:
    """Every EDF file of these splits, by key, from directory listings alone.

    Raises `DataError` when a split has no folder or no EDF file, and when an EDF file lies outside the TUSZ v2 layout:
    it would be passed over, and nobody would miss it.
    """
    folders = split_folders(root)
    files = [file for split in splits for file in _discover_split(split, folders)]
    return tuple(sorted(files, key=lambda file: file.key))


def _discover_split(split: Split, folders: Mapping[Split, Path]) -> Iterator[CorpusFile]:
    if split not in folders:
        base = next(iter(folders.values())).parent
        hint = "; the split is called 'dev', not 'val'" if split == "dev" and (base / "val").is_dir() else ""
        raise DataError(f"{base}: found {', '.join(folders)}, but no {split}{hint}")
    folder = folders[split]
    try:
        found = list(_edf_files(str(folder)))
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed: {error}") from error
    if not found:
        raise DataError(f"{folder}: no EDF file in it; expected {_LAYOUT}")
    for entry, names, depth in found:
        if depth != _LAYOUT_DEPTH:
            raise DataError(f"{entry.path}: lies outside the layout of TUSZ v2: expected {_LAYOUT}")
        yield _corpus_file(entry, names, split)


def index_recording(file: CorpusFile) -> IndexedRecording:
    """Header, channels and labels of one recording, without its signal. A refusal is a value here, not an exception."""
    blank = IndexedRecording(
        key=file.key,
        split=file.split,
        patient=file.patient,
        seconds=0.0,
        sample_rate_hz=0.0,
        seizures=(),
        edf_bytes=file.edf_bytes,
        edf_mtime_ns=file.edf_mtime_ns,
        repaired=(),
        missing=(),
        refused=None,
    )
    try:
        header = read_header(file.edf)
        match = match_recording(header)
        rate = checked_rate_hz(header, match.present)
        labels = read_csv_bi(file.csv_bi, recording_seconds=header.seconds)
    except RecordingRefused as error:
        return replace(blank, refused=f"{error.field}: {error.message}")
    return replace(
        blank,
        seconds=header.seconds,
        sample_rate_hz=rate,
        seizures=labels.seizures,
        repaired=header.repaired,
        missing=match.missing,
    )


def _edf_files(folder: str, depth: int = 1) -> Iterator[tuple[os.DirEntry[str], frozenset[str], int]]:
    """Each EDF file below `folder`, the names beside it, and how deep it lies.

    Looks deeper than the layout goes, to name what lies outside it, but not without end: a link may lead back.
    """
    with os.scandir(folder) as listing:
        entries = [entry for entry in listing if not entry.name.startswith(".")]
    names = frozenset(entry.name for entry in entries)
    for entry in entries:
        if entry.name.lower().endswith(".edf"):
            yield entry, names, depth
        elif depth <= _LAYOUT_DEPTH + 2 and entry.is_dir():
            yield from _edf_files(entry.path, depth + 1)


def _corpus_file(entry: os.DirEntry[str], names: frozenset[str], split: Split) -> CorpusFile:
    edf = Path(entry.path)
    _, patient, session, montage, _ = edf.parts[-1 - _LAYOUT_DEPTH :]
    stat = entry.stat()
    return CorpusFile(
        key=f"{split}/{patient}/{session}/{montage}/{edf.stem}",
        split=split,
        patient=patient,
        session=session,
        montage=montage,
        edf=edf,
        csv_bi=edf.with_suffix(".csv_bi"),
        csv=edf.with_suffix(".csv") if f"{edf.stem}.csv" in names else None,
        edf_bytes=stat.st_size,
        edf_mtime_ns=stat.st_mtime_ns,
    )
