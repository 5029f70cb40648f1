"""The bytes of an NPZ whose members are stored, not deflated: a fixed layout that `numpy.load` opens.

The same arrays give the same file, so every byte around the arrays can be made again from sizes and checksums and
compared with what a file holds.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

NPY_HEADER_BYTES = 128
SIZE_LIMIT = 1 << 31
"""Beyond 4 GiB a zip needs other fields; half of that is 61 hours."""

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION = 20
_DATE = 0x21
"""1980-01-01, the first date a zip can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One array of an NPZ."""

    name: str
    size: int
    """Bytes of the .npy, header and content."""
    crc: int

    @property
    def local_header(self) -> bytes:
        fields = (_VERSION, 0, 0, 0, _DATE, self.crc, self.size, self.size, len(self.name), 0)
        return _LOCAL.pack(b"PK\3\4", *fields) + self.name.encode()

    @property
    def stored_bytes(self) -> int:
        return _LOCAL.size + len(self.name) + self.size


def npy_header(descr: str, shape: tuple[int, ...]) -> bytes:
    """The header of a .npy, version 1.0, filled up to one length whatever the shape."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    length = NPY_HEADER_BYTES - 10
    return b"\x93NUMPY\1\0" + struct.pack("<H", length) + text.ljust(length - 1).encode() + b"\n"


def write_member(file: BinaryIO, name: str, chunks: Iterable[bytes | memoryview]) -> Member:
    """Append one member, a chunk at a time; its checksum goes in before them once it is known."""
    start, size, crc = file.tell(), 0, 0
    file.write(Member(name=name, size=0, crc=0).local_header)
    for chunk in chunks:
        size += file.write(chunk)
        crc = zlib.crc32(chunk, crc)
    member = Member(name=name, size=size, crc=crc)
    file.seek(start)
    file.write(member.local_header)
    file.seek(0, os.SEEK_END)
    return member


def directory_of(members: Sequence[Member]) -> bytes:
    """What follows the members: the central directory and its end."""
    entries, place = [], 0
    for member in members:
        sizes = (member.crc, member.size, member.size, len(member.name))
        entry = _CENTRAL.pack(b"PK\1\2", _VERSION, _VERSION, 0, 0, 0, _DATE, *sizes, 0, 0, 0, 0, 0, place)
        entries.append(entry + member.name.encode())
        place += member.stored_bytes
    directory = b"".join(entries)
    count = len(members)
    return directory + _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), place, 0)


def directory_bytes(names: Sequence[str]) -> int:
    """Size of the directory of members of these names."""
    return sum(_CENTRAL.size + len(name) for name in names) + _END.size


def read_directory(directory: bytes, names: Sequence[str]) -> tuple[Member, ...] | None:
    """The members of these names, or None where the directory is not exactly the one that we would write."""
    if len(directory) != directory_bytes(names):
        return None
    members, place = [], 0
    for name in names:
        fields = _CENTRAL.unpack_from(directory, place)
        members.append(Member(name=name, size=fields[9], crc=fields[7]))
        place += _CENTRAL.size + len(name)
    sizes = [member.size for member in members]
    sound = min(sizes) >= NPY_HEADER_BYTES and sum(sizes) <= SIZE_LIMIT
    return tuple(members) if sound and directory_of(members) == directory else None
