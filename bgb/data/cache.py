"""One recording in the cache: a stored NPZ that `numpy.load` opens, laid out so that a window is one read.

The members are `meta` (JSON as uint8), `seizures` (n, 2) seconds as float64, and `signal` (blocks, 19, samples of 10 s)
as int16, the last block padded with zeros. A block keeps its channels together, so any window lies in one stretch of
the file: 1,282 cold windows a second against 129 by memory map, which reads ahead eleven times what it needs.

Every byte around the signal follows from sizes and checksums. Opening makes these bytes again and compares, so a file
that was cut, changed or written by something else is told without reading its signal.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from bgb.data.montage import CHANNELS
from bgb.data.recording import Interval
from bgb.data.stored_npz import (
    NPY_HEADER_BYTES,
    SIZE_LIMIT,
    Member,
    directory_bytes,
    directory_of,
    npy_header,
    read_directory,
    write_member,
)
from bgb.errors import CacheError
from envcheck.core import Record, SchemaMismatch, decode, encode

CODE_VERSION = 2
"""Raised by whoever changes the code such that the bytes of a cache change."""

BLOCK_SECONDS = 10
SUFFIX = ".npz"
PARTIAL_SUFFIX = ".partial"
"""Ends the name that a file has while it is written."""

_MEMBERS = ("meta.npy", "seizures.npy", "signal.npy")
_INT16_BYTES = 2
_INTERVAL_BYTES = 16
_OTHER_BYTES = 1 << 20
_WRITTEN_BLOCKS = 64
_READ_BLOCKS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedMeta:
    """What a cached recording was made from, and how."""

    key: str
    patient: str
    split: str
    samples: int
    """At `sample_rate_hz`, without the padding of the last block."""
    sample_rate_hz: int
    source_sha256: str
    source_bytes: int
    source_mtime_ns: int
    labels_sha256: str
    settings_digest: str
    code_version: int
    repaired: tuple[str, ...]
    interpolated: tuple[str, ...]
    flat: tuple[str, ...]

    @property
    def block_samples(self) -> int:
        return BLOCK_SECONDS * self.sample_rate_hz

    @property
    def blocks(self) -> int:
        return -(-self.samples // self.block_samples)

    @property
    def block_bytes(self) -> int:
        return len(CHANNELS) * self.block_samples * _INT16_BYTES

    @property
    def signal_header(self) -> bytes:
        return npy_header("<i2", (self.blocks, len(CHANNELS), self.block_samples))


@dataclass(frozen=True, slots=True, kw_only=True)
class _StoredMeta(Record):
    """`CachedMeta` as JSON."""

    key: ClassVar[str] = "meta"

    recording: CachedMeta


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parsed:
    """What the bytes around the signal say."""

    meta: CachedMeta
    seizures: tuple[Interval, ...]
    signal_start: int
    signal_crc: int
    file_bytes: int


def cached_path(cache: Path, key: str) -> Path:
    """Where a recording lies in a cache."""
    return cache / f"{key}{SUFFIX}"


def cached_bytes(samples: int, sample_rate_hz: int) -> int:
    """Size of a recording's signal in the cache; the file has some 2 kB more."""
    block = BLOCK_SECONDS * sample_rate_hz
    return -(-samples // block) * block * len(CHANNELS) * _INT16_BYTES


def write_cached(path: Path, signal: NDArray[np.int16], seizures: Sequence[Interval], meta: CachedMeta) -> int:
    """Write (19, samples) steps of int16, whole or not at all, and return the size of the file.

    `CacheError` where the disk is full or cannot be written.
    """
    if signal.shape != (len(CHANNELS), meta.samples):
        raise ValueError(f"{meta.key}: signal of shape {signal.shape} for {meta.samples} samples")
    if cached_bytes(meta.samples, meta.sample_rate_hz) >= SIZE_LIMIT - _OTHER_BYTES:
        hours = meta.samples / meta.sample_rate_hz / 3600
        raise CacheError(f"{path}: {hours:.0f} hours are more than one cached file holds (2 GiB); cut the recording")
    text = json.dumps(encode(_StoredMeta(recording=meta)), sort_keys=True).encode()
    intervals = np.array([(item.start_seconds, item.stop_seconds) for item in seizures], "<f8").reshape(-1, 2)
    with replacing(path) as file:
        members = (
            write_member(file, _MEMBERS[0], [_meta_header(text), text]),
            write_member(file, _MEMBERS[1], [_seizures_header(intervals.nbytes), intervals.tobytes()]),
            write_member(file, _MEMBERS[2], _signal_chunks(signal, meta)),
        )
        file.write(directory_of(members))
        return file.tell()


def open_cached(path: Path) -> CachedRecording:
    """A cached recording, ready to read windows of; `CacheError` names what is wrong with the file.

    Looks at everything but the signal itself: two reads, whatever the length.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise CacheError(f"{path}: cannot be opened: {error.strerror}; build it with `bgb build-cache`") from error
    try:
        return CachedRecording(path, handle, _parse(path, handle))
    except OSError as error:
        os.close(handle)
        raise CacheError(f"{path}: cannot be read: {error.strerror}") from error
    except BaseException:
        os.close(handle)
        raise


class CachedRecording:
    """An open cached recording. Reading is positioned, so threads may share one."""

    __slots__ = ("_handle", "_parsed", "path")

    def __init__(self, path: Path, handle: int, parsed: _Parsed) -> None:
        self.path = path
        self._handle = handle
        self._parsed = parsed

    @property
    def meta(self) -> CachedMeta:
        return self._parsed.meta

    @property
    def seizures(self) -> tuple[Interval, ...]:
        return self._parsed.seizures

    @property
    def file_bytes(self) -> int:
        return self._parsed.file_bytes

    def read_window(self, start: int, out: NDArray[np.int16]) -> None:
        """Fill `out` (19, samples) from sample `start` on, with zeros after the end of the recording.

        One positioned read of whole blocks, 250 s at a time, and a copy out of the processor's cache: a fifth faster
        than having the system put every piece where it belongs.
        """
        meta = self.meta
        if not 0 <= start < meta.samples or len(out) != len(CHANNELS):
            raise ValueError(f"{self.path}: {out.shape} from sample {start} of {len(CHANNELS)} x {meta.samples}")
        width, stop_block = meta.block_samples, min(-(-(start + out.shape[1]) // meta.block_samples), meta.blocks)
        for first in range(start // width, stop_block, _READ_BLOCKS):
            stored = _room(min(_READ_BLOCKS, stop_block - first), width)
            if self._read([stored.data], self._parsed.signal_start + first * meta.block_bytes) != stored.nbytes:
                _damaged(self.path, "it became shorter while it was open")
            for at, block in zip(range(first * width - start, out.shape[1], width), stored, strict=False):
                begin, end = max(at, 0), min(at + width, out.shape[1])
                out[:, begin:end] = block[:, begin - at : end - at]
        out[:, meta.samples - start :] = 0

    def verify(self) -> None:
        """Read the whole signal; `CacheError` where its checksum is another."""
        crc, buffer = zlib.crc32(self.meta.signal_header), memoryview(bytearray(1 << 20))
        place, stop = self._parsed.signal_start, self._parsed.signal_start + self.meta.blocks * self.meta.block_bytes
        while place < stop:
            wanted = buffer[: stop - place]
            if self._read([wanted], place) != len(wanted):
                _damaged(self.path, "it became shorter while it was open")
            crc, place = zlib.crc32(wanted, crc), place + len(wanted)
        if crc != self._parsed.signal_crc:
            raise CacheError(
                f"{self.path}: not a whole cached recording: the checksum of its signal is wrong; "
                "`bgb build-cache --verify` builds it again"
            )

    def _read(self, pieces: Sequence[memoryview], place: int) -> int:
        try:
            return os.preadv(self._handle, pieces, place)
        except OSError as error:
            raise CacheError(f"{self.path}: cannot be read: {error.strerror}") from error

    def close(self) -> None:
        """Give the file handle back; meta and seizures stay."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


_thread = threading.local()


def _room(blocks: int, width: int) -> NDArray[np.int16]:
    """(blocks, 19, width) to read into; each thread uses its own again, as fresh memory costs more than reading."""
    room: NDArray[np.int16] | None = getattr(_thread, "room", None)
    if room is None or room.shape[2] != width:
        _thread.room = room = np.empty((_READ_BLOCKS, len(CHANNELS), width), np.int16)
    return room[:blocks]


def _parse(path: Path, handle: int) -> _Parsed:
    size = os.fstat(handle).st_size
    tail_bytes = directory_bytes(_MEMBERS)
    tail = os.pread(handle, tail_bytes, max(size - tail_bytes, 0))
    members = read_directory(tail, _MEMBERS)
    if members is None:
        _damaged(path, _why_no_directory(tail, os.pread(handle, 16, 0)))
    expected = sum(member.stored_bytes for member in members) + tail_bytes
    if expected != size:
        _damaged(path, f"its parts have {expected} bytes and the file has {size}")
    signal_start = size - tail_bytes - members[2].size + NPY_HEADER_BYTES
    head = os.pread(handle, signal_start, 0)
    meta = _parse_meta(path, _content(path, head, members[0]))
    seizures = _content(path, head[members[0].stored_bytes :], members[1])
    if not head.endswith(members[2].local_header + meta.signal_header):
        _damaged(path, "the header of its signal is not what was written")
    if members[2].size != NPY_HEADER_BYTES + cached_bytes(meta.samples, meta.sample_rate_hz):
        _damaged(path, f"its signal does not have {meta.samples} samples")
    pairs = np.frombuffer(seizures, "<f8").reshape(-1, 2).tolist()
    return _Parsed(
        meta=meta,
        seizures=tuple(Interval(start_seconds=start, stop_seconds=stop) for start, stop in pairs),
        signal_start=signal_start,
        signal_crc=members[2].crc,
        file_bytes=size,
    )


def _why_no_directory(tail: bytes, start: bytes) -> str:
    if not start:
        return "it is empty"
    if not start.startswith(b"PK"):
        return f"it begins with {start!r}, which is no NPZ"
    return "its directory is not one that a build writes" if b"PK\5\6" in tail else "its end is missing"


def _content(path: Path, head: bytes, member: Member) -> bytes:
    """The array in the small member that `head` begins with, after its headers and checksum were found right."""
    local = member.local_header
    stored = head[len(local) : len(local) + member.size]
    content = stored[NPY_HEADER_BYTES:]
    header = _meta_header(content) if member.name == _MEMBERS[0] else _seizures_header(len(content))
    if not (head.startswith(local) and stored.startswith(header) and zlib.crc32(stored) == member.crc):
        _damaged(path, f"its {member.name} is not what was written")
    return content


def _parse_meta(path: Path, content: bytes) -> CachedMeta:
    try:
        return decode(_StoredMeta, json.loads(content)).recording
    except (ValueError, SchemaMismatch) as error:
        raise CacheError(
            f"{path}: written by another version of this project: {error}; `bgb build-cache` builds it again"
        ) from error


def _damaged(path: Path, what: str) -> NoReturn:
    raise CacheError(f"{path}: not a whole cached recording: {what}; `bgb build-cache` builds it again")


def _meta_header(text: bytes) -> bytes:
    return npy_header("|u1", (len(text),))


def _seizures_header(size: int) -> bytes:
    return npy_header("<f8", (size // _INTERVAL_BYTES, 2))


def _signal_chunks(signal: NDArray[np.int16], meta: CachedMeta) -> Iterator[bytes | memoryview]:
    """The signal as it is stored, 10 minutes at a time: a second copy of 24 hours would be 0.8 GB."""
    yield meta.signal_header
    for first in range(0, meta.blocks, _WRITTEN_BLOCKS):
        count = min(_WRITTEN_BLOCKS, meta.blocks - first)
        blocks = np.zeros((count, len(CHANNELS), meta.block_samples), "<i2")
        for index, block in enumerate(blocks, start=first):
            piece = signal[:, index * meta.block_samples : (index + 1) * meta.block_samples]
            block[:, : piece.shape[1]] = piece
        yield blocks.data.cast("B")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` once it is whole and on the disk, and vanishes if anything goes wrong.

    Its name is always the same: what a killed build left is overwritten by the next one, and never mistaken.
    """
    partial = path.with_name(path.name + PARTIAL_SUFFIX)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "free some and build again: what is built is kept" if full else "expected a cache that can be written"
        raise CacheError(f"{path}: cannot be written: {error.strerror}; {advice}") from error


def _sync_directory(directory: Path) -> None:
    """A new name is lost with the power until its directory is on the disk too."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
