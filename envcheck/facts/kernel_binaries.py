"""Compiled extensions read without loading them: what they need of torch and the system, and their GPUs.

A symbol that the installed torch does not have is an ImportError that mamba_ssm 2.2.2 swallows. Looking each name up in
torch's own hash tables takes a tenth of a second; importing takes five.
"""

from __future__ import annotations

import ctypes
import importlib.machinery
import importlib.util
import mmap
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from envcheck.core import Fact
from envcheck.distributions import find_distributions, read_record
from envcheck.places import in_environment, shown
from envcheck.torch_names import built_for, cxx11_abi

SHOWN_AT_MOST = 10
_OF_TORCH = re.compile(r"c10|_ZNK?2at|at4|torch|cuda|pybind11")
_FATBIN = struct.pack("<I", 0xBA55ED50)
_FATBIN_ENTRY = struct.Struct("<H2xIQ12xI")
_PTX, _SASS = 1, 2  # kinds of entries in a fatbin, as nvcc's fatbinary writes them


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelBinary:
    """One extension. Versions are the highest that it asks for."""

    package: str
    path: str
    error: str | None = None
    """Why the file could not be read as a shared library."""
    importable: bool = True
    """Whether this Python imports files of its suffix."""
    missing: tuple[str, ...] = ()
    """Mangled names that it needs of torch or CUDA and that the installed ones do not have; the first few."""
    missing_count: int = 0
    needed_count: int = 0
    """How many names of torch and CUDA were looked up."""
    built_for: str | None = None
    """The torch whose API its names are those of."""
    cxx11_abi: bool | None = None
    """Which `std::string` it passes to torch; None: none."""
    glibc: str | None = None
    glibcxx: str | None = None
    needed: tuple[str, ...] = ()
    """Libraries, as the dynamic section names them."""
    search_path: tuple[str, ...] = ()
    """RPATH and RUNPATH."""
    machine_code: tuple[str, ...] = ()
    """As `sm_80`."""
    intermediate_code: tuple[str, ...] = ()
    """PTX, which the driver compiles for anything newer, as `compute_80`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelBinaries(Fact):
    """The extensions of the kernel packages, and what there is here for them to link with."""

    key: ClassVar[str] = "kernel_binaries"

    binaries: tuple[KernelBinary, ...]
    libraries: tuple[str, ...]
    """Of torch and CUDA: where names were looked up. Empty: torch is not installed."""
    glibcxx: str | None
    """The highest version that the libstdc++ found by the loader serves."""

    @classmethod
    def observe(cls, packages: Sequence[str] = ("causal-conv1d", "mamba-ssm")) -> Self:
        """Read headers, symbol tables and fat binaries; nothing but libstdc++ is loaded."""
        libraries = _libraries()
        tables = [table for path in libraries if (table := _SymbolTable.of(path)) is not None]
        files = [
            (item.name, item.root / row.path)
            for item in find_distributions()
            if item.name in packages
            for row in read_record(item) or ()
            if row.path.endswith(".so")
        ]
        return cls(
            binaries=tuple(_read(package, path, tables) for package, path in files),
            libraries=tuple(in_environment(path) for path in libraries),
            glibcxx=_glibcxx_here(),
        )


class _SymbolTable:
    """The defined names of a shared library, looked up by its own hash table as the loader does."""

    def __init__(self, table: Any) -> None:
        self._table = table

    @classmethod
    def of(cls, path: Path) -> Self | None:
        try:
            table = _section(ELFFile(path.open("rb")), ".gnu.hash")
        except (OSError, ELFError):
            return None
        return None if table is None else cls(table)

    def has(self, name: str) -> bool:
        return self._table.get_symbol(name) is not None


def _libraries() -> tuple[Path, ...]:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return ()
    root = Path(spec.origin).parent
    own = sorted(path for path in (root / "lib").glob("lib*.so*") if re.match(r"libc10|libtorch|libcudart", path.name))
    return (*own, *sorted((root.parent / "nvidia" / "cuda_runtime" / "lib").glob("libcudart.so*")))


def _read(package: str, path: Path, tables: Sequence[_SymbolTable]) -> KernelBinary:
    shown_path = in_environment(path)
    try:
        with path.open("rb") as file:
            elf = ELFFile(file)
            names = [name for name in _undefined(elf) if _OF_TORCH.search(name)]
            missing = [name for name in names if not any(table.has(name) for table in tables)]
            versions = list(_versions(elf))
            needed, search_path = _dynamic(elf)
            machine_code, intermediate_code = _code(file.fileno())
    except (OSError, ELFError, ValueError, struct.error) as error:
        return KernelBinary(package=package, path=shown_path, error=str(error) or type(error).__name__)
    return KernelBinary(
        package=package,
        path=shown_path,
        importable=path.name.partition(".")[2] in [s[1:] for s in importlib.machinery.EXTENSION_SUFFIXES],
        missing=tuple(missing[:SHOWN_AT_MOST]),
        missing_count=len(missing),
        needed_count=len(names),
        built_for=built_for(names),
        cxx11_abi=cxx11_abi(names),
        glibc=_highest("GLIBC", versions),
        glibcxx=_highest("GLIBCXX", versions),
        needed=needed,
        search_path=search_path,
        machine_code=machine_code,
        intermediate_code=intermediate_code,
    )


def _section(elf: ELFFile, name: str) -> Any:
    """None where there is none; its methods depend on its type, which the name tells."""
    return elf.get_section_by_name(name)


def _undefined(elf: ELFFile) -> Iterator[str]:
    table = _section(elf, ".dynsym")
    if table is None:
        raise ELFError("no dynamic symbols: not a shared library")
    for symbol in table.iter_symbols():
        if symbol["st_shndx"] == "SHN_UNDEF" and symbol["st_info"]["bind"] == "STB_GLOBAL":
            yield symbol.name


def _versions(elf: ELFFile) -> Iterator[str]:
    section = _section(elf, ".gnu.version_r")
    for _, versions in section.iter_versions() if section is not None else ():
        yield from (version.name for version in versions)


def _dynamic(elf: ELFFile) -> tuple[tuple[str, ...], tuple[str, ...]]:
    section = _section(elf, ".dynamic")
    tags = list(section.iter_tags()) if section is not None else []
    needed = tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED")
    paths = [tag.runpath for tag in tags if tag.entry.d_tag == "DT_RUNPATH"]
    paths += [tag.rpath for tag in tags if tag.entry.d_tag == "DT_RPATH"]
    return needed, tuple(shown(part) for path in paths for part in path.split(":"))


def _code(descriptor: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Walk the fat binaries that nvcc embeds: a header each, then entries with kind, sizes and architecture."""
    found: dict[int, set[int]] = {_PTX: set(), _SASS: set()}
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        start = content.find(_FATBIN)
        while start >= 0:
            _, header_size, payload = struct.unpack_from("<HHQ", content, start + 4)
            position, end = start + header_size, start + header_size + payload
            while position + 32 <= min(end, len(content)):
                kind, size, length, arch = _FATBIN_ENTRY.unpack_from(content, position)
                found.get(kind, set()).add(arch)
                position += max(size + length, 32)
            start = content.find(_FATBIN, start + 4)
    machine_code, intermediate_code = sorted(found[_SASS]), sorted(found[_PTX])
    return tuple(f"sm_{arch}" for arch in machine_code), tuple(f"compute_{arch}" for arch in intermediate_code)


def _highest(family: str, versions: Sequence[str]) -> str | None:
    numbers = [match[1] for version in versions if (match := re.fullmatch(rf"{family}_(\d+(?:\.\d+)*)", version))]
    return max(numbers, key=lambda number: [int(part) for part in number.split(".")], default=None)


def _glibcxx_here() -> str | None:
    try:
        ctypes.CDLL("libstdc++.so.6")
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"/\S.*/libstdc\+\+\.so[^\n]*", maps)
        with Path(found[0] if found else "").open("rb") as file:
            section = _section(ELFFile(file), ".gnu.version_d")
            names = [next(aux).name for _, aux in section.iter_versions()] if section is not None else []
    except (OSError, ELFError):
        return None
    return _highest("GLIBCXX", names)
