"""The wheels that were compiled, in folders by what they fit: torch, its C++ ABI, Python, architectures, machine."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bgb.errors import KernelBuildFailed
from envcheck.core import SchemaMismatch, decode, encode
from envcheck.facts.kernel_packages import BUILD_RECORD, KernelBuild


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A wheel with its build record."""

    path: Path
    name: str
    version: str
    build: KernelBuild


def folder_name(build: KernelBuild, machine: str) -> str:
    """What a wheel must fit, as one name: `torch2.2.2+cu121-abi0-cpython-311-sm80-sm90-x86_64`.

    torch's version names its CUDA, which it is compiled for.
    """
    codes = "-".join(f"sm{architecture.replace('.', '')}" for architecture in sorted(build.architectures))
    return f"torch{build.torch}-abi{int(build.cxx11_abi)}-{build.python}-{codes}-{machine}"


def find(folder: Path, name: str, commit: str) -> Kept | None:
    """The wheel of a package that was made from this commit."""
    return next((kept for kept in wheels_in(folder) if (kept.name, kept.build.commit) == (name, commit)), None)


def wheels_in(folder: Path) -> Iterator[Kept]:
    """Every wheel with a build record below a folder; what has none was not made here and is left out."""
    for path in sorted(folder.rglob("*.whl")):
        try:
            with zipfile.ZipFile(path) as wheel:
                record = next(name for name in wheel.namelist() if name.endswith(f".dist-info/{BUILD_RECORD}"))
                build = decode(KernelBuild, json.loads(wheel.read(record)))
        except (OSError, zipfile.BadZipFile, StopIteration, ValueError, SchemaMismatch):
            continue
        name, version = record.partition("/")[0].removesuffix(".dist-info").split("-")
        yield Kept(path=path, name=name.replace("_", "-"), version=version, build=build)


def keep(wheel: Path, build: KernelBuild, folder: Path, scratch: Path) -> Kept:
    """Put the build record into a wheel and move it to its folder in one step; RECORD is written anew by `wheel`."""
    unpacked, packed = scratch / "unpacked", scratch / "packed"
    packed.mkdir(parents=True)
    _wheel_tool("unpack", "--dest", str(unpacked), str(wheel))
    (root,) = unpacked.iterdir()
    binaries = {str(path.relative_to(root)): _sha256(path) for path in sorted(root.rglob("*.so"))}
    if not binaries:
        raise KernelBuildFailed(f"{wheel.name} holds no compiled extension; its setup.py compiled nothing")
    (info,) = root.glob("*.dist-info")
    build = replace(build, binaries=binaries)
    (info / BUILD_RECORD).write_text(json.dumps(encode(build), indent=1) + "\n", encoding="utf-8")
    _wheel_tool("pack", "--dest-dir", str(packed), str(root))
    (made,) = packed.iterdir()
    folder.mkdir(parents=True, exist_ok=True)
    # beside its place first: a move from another disk is a copy, and half a wheel must never bear the name of one
    partial = folder / f".{made.name}.partial"
    try:
        shutil.copyfile(made, partial)
        partial.replace(folder / made.name)
    finally:
        partial.unlink(missing_ok=True)
    name, version = info.name.removesuffix(".dist-info").split("-")
    return Kept(path=folder / made.name, name=name.replace("_", "-"), version=version, build=build)


def _wheel_tool(*arguments: str) -> None:
    ended = subprocess.run([sys.executable, "-m", "wheel", *arguments], capture_output=True, text=True)
    if ended.returncode != 0:
        said: Sequence[str] = ended.stderr.strip().splitlines() or [f"status {ended.returncode}"]
        raise KernelBuildFailed(f"python -m wheel {arguments[0]} failed: {said[-1]}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
