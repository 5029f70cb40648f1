"""Labels of TUSZ: `.csv_bi` (seizure or background, what training uses) and `.csv` (seizure types per channel).

Strict, because the lenient way has a price: a reader that skipped the lines it did not understand once gave 250,000
windows without one seizure. A line that does not parse, a label that is not known, a time that cannot be: each is a
`LabelError` with file and line. Byte-order marks and CRLF line ends change no meaning and are accepted.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bgb.data.recording import Interval
from bgb.errors import LabelError

DURATION_TOLERANCE_SECONDS = 1.0
"""How far a label file's duration may be from its recording's: one EDF record of TUSZ, whose last may be padded."""

TIME_TOLERANCE_SECONDS = 1e-3
"""How far a stop may lie beyond the duration: files give four decimals for one and two for the other."""

BINARY_LABELS = frozenset({"seiz", "bckg"})

SEIZURE_TYPES = frozenset(
    {"seiz", "fnsz", "gnsz", "spsz", "cpsz", "absz", "tnsz", "cnsz", "tcsz", "atsz", "mysz", "nesz"}
)
"""TUSZ v2; `nesz` is "non-epileptic seizure", and `seiz` a seizure whose type was not told."""

_VERSION = "csv_v1.0.0"
_COLUMNS = ("channel", "start_time", "stop_time", "label", "confidence")
_MONTAGE_FILE = "$NEDC_NFC/lib/nedc_eas_default_montage.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """When a recording shows seizures, in any channel."""

    duration_seconds: float
    seizures: tuple[Interval, ...]
    """In order of time, without overlap. Time that no row speaks of is background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelEvent:
    """One row of a `.csv` file: a derivation such as FP1-F7, and what it shows when."""

    channel: str
    interval: Interval
    label: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    number: int
    event: ChannelEvent


def read_csv_bi(path: Path, *, recording_seconds: float | None = None) -> Annotations:
    """The seizures of a `.csv_bi` file; `recording_seconds`, where known, must agree with the file's own duration.

    Rows must not overlap: TUSZ corrected those that did in v2.0.1, so one that does is from before or damaged, and
    which of two contradicting rows is right cannot be known.
    """
    duration, rows = _read(path, BINARY_LABELS, recording_seconds)
    for row in rows:
        if row.event.channel != "TERM":
            message = f"line {row.number}: {row.event.channel!r}, expected 'TERM': per-channel rows belong in .csv"
            raise LabelError(path, "channel", message)
    rows.sort(key=lambda row: row.event.interval.start_seconds)
    for before, after in itertools.pairwise(rows):
        if after.event.interval.start_seconds < before.event.interval.stop_seconds - TIME_TOLERANCE_SECONDS:
            message = f"line {after.number}: overlaps line {before.number} ({before.event.interval.stop_seconds:.4f} s)"
            raise LabelError(path, "start_time", message)
    seizures = tuple(row.event.interval for row in rows if row.event.label == "seiz")
    return Annotations(duration_seconds=duration, seizures=seizures)


def read_csv(path: Path, *, recording_seconds: float | None = None) -> tuple[ChannelEvent, ...]:
    """All rows of a per-channel `.csv` file, in its own order."""
    _, rows = _read(path, SEIZURE_TYPES | {"bckg"}, recording_seconds)
    for row in rows:
        if "-" not in row.event.channel:
            message = f"line {row.number}: {row.event.channel!r}, expected a derivation such as FP1-F7"
            raise LabelError(path, "channel", message)
    return tuple(row.event for row in rows)


def write_csv_bi(path: Path, annotations: Annotations, *, stem: str, montage_file: str = _MONTAGE_FILE) -> None:
    """Write what `read_csv_bi` reads back, and what the tools of TUSZ and NEDC's scorer read.

    Times have the format's four decimals; background rows fill the time between seizures, as in TUSZ. Raises
    `ValueError` for seizures out of order, overlapping or outside the recording.
    """
    events: list[ChannelEvent] = []
    end = 0.0
    for seizure in annotations.seizures:
        if not end <= seizure.start_seconds < seizure.stop_seconds <= annotations.duration_seconds:
            raise ValueError(f"{path}: {seizure} is empty, out of order or outside the recording")
        events += [
            _term("bckg", end, seizure.start_seconds),
            _term("seiz", seizure.start_seconds, seizure.stop_seconds),
        ]
        end = seizure.stop_seconds
    events.append(_term("bckg", end, annotations.duration_seconds))
    write_csv(path, events, duration_seconds=annotations.duration_seconds, stem=stem, montage_file=montage_file)


def write_csv(
    path: Path,
    events: Iterable[ChannelEvent],
    *,
    duration_seconds: float,
    stem: str,
    montage_file: str = _MONTAGE_FILE,
) -> None:
    """Write rows of either kind; those that four decimals make empty are left out."""
    lines = [f"# version = {_VERSION}", f"# bname = {stem}", f"# duration = {duration_seconds:.4f} secs"]
    lines += [f"# montage_file = {montage_file}", "#", ",".join(_COLUMNS)]
    for event in events:
        start, stop = f"{event.interval.start_seconds:.4f}", f"{event.interval.stop_seconds:.4f}"
        if start != stop:
            lines.append(f"{event.channel},{start},{stop},{event.label},{event.confidence:.4f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _term(label: str, start: float, stop: float) -> ChannelEvent:
    interval = Interval(start_seconds=start, stop_seconds=stop)
    return ChannelEvent(channel="TERM", interval=interval, label=label, confidence=1.0)


def _read(path: Path, labels: frozenset[str], recording_seconds: float | None) -> tuple[float, list[_Row]]:
    header, rows = _split(path)
    duration = _duration(path, header)
    if recording_seconds is not None and abs(duration - recording_seconds) > DURATION_TOLERANCE_SECONDS:
        message = (
            f"labels are for {duration:g} s, the recording has {recording_seconds:g} s: one of them is cut or foreign"
        )
        raise LabelError(path, "duration", message)
    events = [_Row(number=number, event=_event(path, number, cells, labels)) for number, cells in rows]
    for row in events:
        stop = row.event.interval.stop_seconds
        if stop > duration + TIME_TOLERANCE_SECONDS:
            raise LabelError(path, "stop_time", f"line {row.number}: {stop:g} s, after the end at {duration:g} s")
    if not events:
        raise LabelError(path, "rows", "the label file has no rows; a recording without seizures has one of background")
    return duration, events


def _split(path: Path) -> tuple[dict[str, str], list[tuple[int, dict[str, str]]]]:
    """The `# key = value` lines, and each row with its line number and its cells by column."""
    header: dict[str, str] = {}
    rows: list[tuple[int, dict[str, str]]] = []
    columns: Sequence[str] | None = None
    for number, line in _lines(path):
        if line.startswith("#"):
            key, _, value = line.lstrip("# ").partition("=")
            header[key.strip()] = value.strip()
        elif line and columns is None:
            columns = _check_columns(path, number, line)
        elif line and columns:
            rows.append((number, _cells(path, number, line, columns)))
    if header.get("version") != _VERSION:
        raise LabelError(path, "version", f"found {header.get('version')!r}, expected a line '# version = {_VERSION}'")
    return header, rows


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise LabelError(
            path, "file", "the label file is missing: without it every window would count as background"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(path, "file", f"the label file cannot be read: {error}") from error
    if not text.strip():
        raise LabelError(path, "file", "the label file is empty")
    return ((number, line.strip()) for number, line in enumerate(text.split("\n"), start=1))


def _check_columns(path: Path, number: int, line: str) -> Sequence[str]:
    columns = [name.strip() for name in line.split(",")]
    if sorted(columns) != sorted(_COLUMNS):
        message = f"line {number}: found {line[:80]!r}, expected the columns {','.join(_COLUMNS)}"
        raise LabelError(path, "columns", message)
    return columns


def _cells(path: Path, number: int, line: str, columns: Sequence[str]) -> dict[str, str]:
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != len(columns):
        message = f"line {number}: {len(cells)} values for {len(columns)} columns in {line[:80]!r}"
        raise LabelError(path, "columns", message)
    return dict(zip(columns, cells, strict=True))


def _duration(path: Path, header: dict[str, str]) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*secs", header.get("duration", ""))
    if not match or float(match[1]) <= 0:
        message = f"found {header.get('duration')!r}, expected a line such as '# duration = 301.0000 secs'"
        raise LabelError(path, "duration", message)
    return float(match[1])


def _event(path: Path, number: int, cells: dict[str, str], labels: frozenset[str]) -> ChannelEvent:
    start, stop, confidence = (
        _decimal(path, number, cells, name) for name in ("start_time", "stop_time", "confidence")
    )
    if start >= stop:
        raise LabelError(path, "stop_time", f"line {number}: {stop:g} s, not after the start at {start:g} s")
    if confidence > 1:
        raise LabelError(path, "confidence", f"line {number}: {confidence:g}, expected 0 to 1")
    if cells["label"] not in labels:
        message = f"line {number}: unknown label {cells['label']!r}, expected {', '.join(sorted(labels))}"
        raise LabelError(path, "label", message)
    interval = Interval(start_seconds=start, stop_seconds=stop)
    return ChannelEvent(channel=cells["channel"], interval=interval, label=cells["label"], confidence=confidence)


def _decimal(path: Path, number: int, cells: dict[str, str], column: str) -> float:
    text = cells[column]
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?", text):
        raise LabelError(path, column, f"line {number}: found {text!r}, expected a decimal number of at least 0")
    return float(text)
