"""Read EDF: headers with every contradiction named, signals as float32 microvolts.

A small reader instead of MNE, which is ten times slower (`benchmarks/edf_read.py`) and reads some damaged headers
silently wrong: a blank unit as volts, a range of nothing as a scale of one. The rule here: what the header says is
believed only if it is whole and agrees with the size of the file. What has one possible meaning is repaired in memory
and said so in `EdfHeader.repaired`; everything else is refused with the header's field, what it says and what it should
say. The file itself is never written to. Format: https://www.edfplus.info/specs/edf.html
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bgb.errors import RecordingRefused

_FIXED_BYTES = 256
"""The header proper; as many bytes again follow for each signal."""

_SIGNAL_WIDTHS = {
    "label": 16,
    "transducer": 80,
    "physical_dimension": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefiltering": 80,
    "samples_per_record": 8,
    "reserved": 32,
}
_DECIMAL_FIELDS = ("physical_min", "physical_max", "digital_min", "digital_max")

# The header is read as Latin-1; the third and fourth are the two micro signs of Unicode in UTF-8, seen as Latin-1.
_MICROVOLTS = {"uV": 1.0, "\xb5V": 1.0, "\xc2\xb5V": 1.0, "\xce\xbcV": 1.0, "mV": 1e3, "V": 1e6}

_FOREIGN = {
    b"\xffBIOSEMI": "BDF (24 bit), not EDF",
    b"version ": "a Git LFS pointer, not the file it stands for",
    b"<!DOCTYP": "an HTML page, perhaps a login or an error page saved under this name",
}


_MAPPED_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EdfSignal:
    """One signal as the header describes it. Numbers of its calibration stay text until the signal is wanted, so that
    a careless auxiliary channel refuses nothing."""

    label: str
    physical_dimension: str
    physical_min: str
    physical_max: str
    digital_min: str
    digital_max: str
    samples_per_record: int
    first_sample: int
    """Where its samples start in each record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdfHeader:
    """A header that agrees with the size of its file."""

    path: Path
    start: datetime
    """As written or repaired; 1985-01-01 00:00:00 where the header gives no possible one."""
    n_records: int
    record_seconds: float
    signals: tuple[EdfSignal, ...]
    repaired: tuple[str, ...]
    """`field: what was done`, for each field that was wrong."""

    @property
    def header_bytes(self) -> int:
        return _FIXED_BYTES * (1 + len(self.signals))

    @property
    def samples_per_record(self) -> int:
        """Of all signals together."""
        return sum(signal.samples_per_record for signal in self.signals)

    @property
    def seconds(self) -> float:
        return self.n_records * self.record_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """microvolts = (digital + shift) * gain_uv"""

    gain_uv: float
    shift: float


def read_header(path: Path) -> EdfHeader:
    """The header of an EDF or EDF+C file, from its header bytes and size alone; `RecordingRefused` otherwise."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            raw = file.read(_FIXED_BYTES)
            _check_kind(path, raw)
            n_signals = _whole_number(path, "n_signals", raw[252:256], least=1)
            raw += file.read(_FIXED_BYTES * n_signals)
    except OSError as error:
        raise RecordingRefused(path, "file", f"cannot be read: {error.strerror}") from error
    _check_header_bytes(path, raw, n_signals)
    raw, repaired = repair_clock(raw)
    signals = _parse_signals(path, raw, n_signals)
    record_seconds = _parse_record_seconds(path, raw)
    record_bytes = 2 * sum(signal.samples_per_record for signal in signals)
    n_records, miscounted = _count_records(path, raw[236:244], size - len(raw), record_bytes)
    return EdfHeader(
        path=path,
        start=datetime.strptime(_text(raw[168:184]), "%d.%m.%y%H.%M.%S"),
        n_records=n_records,
        record_seconds=record_seconds,
        signals=signals,
        repaired=(*repaired, *miscounted, *_decimal_commas(signals)),
    )


def repair_clock(raw: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Header bytes with a date and a time of the standard's form, and what had to be changed.

    TUSZ has dates such as `01:01:85`, on which pyedflib gives up; MNE raises on the time `25.61.99`. Digits that make a
    possible date keep their meaning, others become the standard's own "unknown", 01.01.85 and 00.00.00.
    """
    date, date_note = _repair_triple("startdate", raw[168:176], "%d.%m.%y", "01.01.85")
    time, time_note = _repair_triple("starttime", raw[176:184], "%H.%M.%S", "00.00.00")
    return raw[:168] + date + time + raw[184:], date_note + time_note


def _repair_triple(field: str, raw: bytes, form: str, unknown: str) -> tuple[bytes, tuple[str, ...]]:
    found = _text(raw)
    fixed = ".".join(number.zfill(2) for number in re.findall(r"[0-9]{1,2}", found))
    try:
        datetime.strptime(fixed, form)
    except ValueError:
        fixed = unknown
    note = () if fixed == found else (f"{field}: {found!r} read as {fixed}",)
    return fixed.encode("ascii"), note


def checked_rate_hz(header: EdfHeader, indices: Sequence[int]) -> float:
    """The sample rate that these signals share, after checking that each can be scaled to microvolts."""
    for index in indices:
        _scale(header, index)
    rates: dict[int, str] = {}
    for index in indices:
        rates.setdefault(header.signals[index].samples_per_record, header.signals[index].label)
    if len(rates) > 1:
        found = " and ".join(f"{n / header.record_seconds:g} Hz ({label})" for n, label in rates.items())
        message = f"channels were sampled at {found}; expected one rate for all 19"
        raise RecordingRefused(header.path, "samples_per_record", message)
    return next(iter(rates)) / header.record_seconds


def read_signals_uv(header: EdfHeader, indices: Sequence[int]) -> NDArray[np.float32]:
    """These signals, which must share a rate, as (len(indices), samples) in microvolts.

    Exact to the rounding of float32: the offset is added to the digital values as a whole number first, since a large
    one added last would cost digits.
    """
    checked_rate_hz(header, indices)
    length = header.signals[indices[0]].samples_per_record
    out = np.empty((len(indices), header.n_records * length), dtype=np.float32)
    # Assigned, then scaled in place: `np.add(int16, ..., dtype=float32)` casts through a buffer at half the speed.
    for first, records in _records(header):
        rows = out.reshape(len(indices), header.n_records, length)[:, first : first + len(records)]
        for row, index in zip(rows, indices, strict=True):
            start = header.signals[index].first_sample
            row[...] = records[:, start : start + length]
    for row, index in zip(out, indices, strict=True):
        scale = _scale(header, index)
        whole = round(scale.shift)
        if whole:
            row += np.float32(whole)
        row *= np.float32(scale.gain_uv)
        row += np.float32((scale.shift - whole) * scale.gain_uv)
    return out


def _records(header: EdfHeader) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """All samples as stored, (records, samples per record) at a time with the number of the first: a map of the whole
    file would count as memory of this process, 1 GB of it for 24 hours."""
    record_bytes = 2 * header.samples_per_record
    most = max(_MAPPED_BYTES // record_bytes, 1)
    for first in range(0, header.n_records, most):
        shape = (min(most, header.n_records - first), header.samples_per_record)
        offset = header.header_bytes + first * record_bytes
        try:
            records = np.memmap(header.path, dtype="<i2", mode="r", offset=offset, shape=shape)
        except (OSError, ValueError) as error:
            raise RecordingRefused(header.path, "file", f"changed since its header was read: {error}") from error
        yield first, records


def _check_kind(path: Path, raw: bytes) -> None:
    if not raw:
        raise RecordingRefused(path, "file", "is empty (0 bytes); fetch it again")
    if raw[:8].strip(b" \0") != b"0":
        what = _FOREIGN.get(raw[:8], "not EDF")
        raise RecordingRefused(path, "version", f"found {raw[:8]!r}, expected '0': {what}")
    if len(raw) < _FIXED_BYTES:
        raise RecordingRefused(path, "file", f"ends in its header, after {len(raw)} of {_FIXED_BYTES} bytes")
    if raw[192:197] == b"EDF+D":
        message = "EDF+D: the recording has gaps, so its samples have no common time; only EDF and EDF+C are read"
        raise RecordingRefused(path, "reserved", message)


def _check_header_bytes(path: Path, raw: bytes, n_signals: int) -> None:
    expected = _FIXED_BYTES * (1 + n_signals)
    if len(raw) < expected:
        message = f"ends in its header, after {len(raw):,} of {expected:,} bytes ({n_signals} signals)"
        raise RecordingRefused(path, "file", message)
    declared = _whole_number(path, "header_bytes", raw[184:192], least=0)
    if declared != expected:
        # Which of the two is wrong cannot be known; edfio believes this one and shifts every sample.
        message = f"found {declared:,}, but {n_signals} signals need {expected:,}"
        raise RecordingRefused(path, "header_bytes", message)


def _parse_signals(path: Path, raw: bytes, n_signals: int) -> tuple[EdfSignal, ...]:
    columns: dict[str, list[bytes]] = {}
    start = _FIXED_BYTES
    for name, width in _SIGNAL_WIDTHS.items():
        columns[name] = [raw[start + i * width : start + (i + 1) * width] for i in range(n_signals)]
        start += n_signals * width
    texts = {name: [_text(entry) for entry in columns[name]] for name in ("label", "physical_dimension")}
    decimals = {name: [_text(entry) for entry in columns[name]] for name in _DECIMAL_FIELDS}
    lengths = [_whole_number(path, "samples_per_record", entry, least=1) for entry in columns["samples_per_record"]]
    return tuple(
        EdfSignal(
            label=texts["label"][i],
            physical_dimension=texts["physical_dimension"][i],
            physical_min=decimals["physical_min"][i],
            physical_max=decimals["physical_max"][i],
            digital_min=decimals["digital_min"][i],
            digital_max=decimals["digital_max"][i],
            samples_per_record=lengths[i],
            first_sample=sum(lengths[:i]),
        )
        for i in range(n_signals)
    )


def _parse_record_seconds(path: Path, raw: bytes) -> float:
    text = _text(raw[244:252])
    seconds = _decimal(text)
    if seconds is None or seconds <= 0:
        message = f"found {text!r}, expected seconds above 0: without it there is no sample rate"
        raise RecordingRefused(path, "record_seconds", message)
    return seconds


def _count_records(path: Path, raw: bytes, data_bytes: int, record_bytes: int) -> tuple[int, tuple[str, ...]]:
    """The number of records, and a note where header and size differ in a way that has one meaning.

    A recorder that was never told to stop leaves -1: the size decides. Less than a record too much is padding or a
    line end (edf.jl's test file has one byte). Fewer bytes than declared is a cut file, and a whole record more means
    that the count is not to be believed: both are refused, since labels could belong to either length.
    """
    declared = _whole_number(path, "n_records", raw, least=-1)
    whole, rest = divmod(data_bytes, record_bytes)
    n_records = whole if declared == -1 else declared
    if n_records == 0:
        raise RecordingRefused(path, "n_records", f"no records: the header says {declared}, the file holds {whole}")
    if whole != n_records:
        trouble = "the file was cut: fetch it again" if whole < n_records else "the count cannot be believed"
        message = (
            f"the header says {declared:,} records of {record_bytes:,} bytes, so {declared * record_bytes:,} bytes of "
            f"samples, but the file has {data_bytes:,} ({data_bytes / record_bytes:.2f} records): {trouble}"
        )
        raise RecordingRefused(path, "n_records", message)
    notes = []
    if declared == -1:
        notes.append(f"n_records: -1 read as {whole}, from the size of the file")
    if rest:
        notes.append(f"n_records: {rest:,} bytes after the last whole record ignored")
    return n_records, tuple(notes)


def _decimal_commas(signals: Sequence[EdfSignal]) -> tuple[str, ...]:
    counts = Counter(name for name in _DECIMAL_FIELDS for signal in signals if "," in getattr(signal, name))
    return tuple(f"{name}: decimal comma read as a point in {n} signals" for name, n in counts.items())


def _scale(header: EdfHeader, index: int) -> _Scale:
    """How the digital values of a signal become microvolts.

    A physical minimum above the maximum is the standard's way to say that the signal is upside down, and is followed.
    """
    signal = header.signals[index]
    where = f"signal {index} ({signal.label})"
    unit_uv = _MICROVOLTS.get(signal.physical_dimension)
    if unit_uv is None:
        message = f"{where} has {signal.physical_dimension!r}, expected uV, mV or V"
        raise RecordingRefused(header.path, "physical_dimension", message)
    physical_min, physical_max, digital_min, digital_max = (_calibration(header, index, n) for n in _DECIMAL_FIELDS)
    if physical_min == physical_max:
        message = f"{where} has minimum and maximum {signal.physical_min}: no scale follows from that"
        raise RecordingRefused(header.path, "physical_min", message)
    if digital_min >= digital_max:
        message = f"{where} has minimum {signal.digital_min}, expected less than the maximum, {signal.digital_max}"
        raise RecordingRefused(header.path, "digital_min", message)
    gain = (physical_max - physical_min) / (digital_max - digital_min)
    return _Scale(gain_uv=gain * unit_uv, shift=physical_min / gain - digital_min)


def _calibration(header: EdfHeader, index: int, field: str) -> float:
    text = getattr(header.signals[index], field)
    number = _decimal(text)
    if number is None:
        message = f"signal {index} ({header.signals[index].label}) has {text!r}, expected a number"
        raise RecordingRefused(header.path, field, message)
    return number


def _whole_number(path: Path, field: str, raw: bytes, *, least: int) -> int:
    text = _text(raw)
    if not re.fullmatch(r"[+-]?[0-9]+", text) or int(text) < least:
        raise RecordingRefused(path, field, f"found {text!r}, expected a whole number of at least {least}")
    return int(text)


def _decimal(text: str) -> float | None:
    """A finite number, also with a decimal comma; None for anything else, and for `5,000`, which could be two."""
    if re.fullmatch(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}", text):
        return None
    if not re.fullmatch(r"[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?", text):
        return None
    number = float(text.replace(",", "."))
    return number if math.isfinite(number) else None


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").strip(" \0")
