"""Packages with compiled extensions: what their build record says they were made from, and the digests of the binaries.

A wheel that `bgb kernels build` made carries `build.json` in its `.dist-info`; a downloaded one cannot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from envcheck.core import Fact, Record, SchemaMismatch, decode
from envcheck.distributions import Distribution, find_distributions, read_record

BUILD_RECORD = "build.json"
PACKAGES = ("causal-conv1d", "mamba-ssm")


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelBuild(Record):
    """What a wheel with compiled extensions was made from, and with what."""

    key: ClassVar[str] = "kernel_build"

    repository: str
    commit: str
    """The full upstream commit of the sources."""
    torch: str
    """The torch it was compiled against, with its build."""
    cuda: str
    """The CUDA of that torch."""
    cxx11_abi: bool
    python: str
    """Implementation and version, as `cpython-311`."""
    toolkit: str
    """The release of nvcc, as `12.1`."""
    compiler: str
    """The first line of what the host compiler says of itself."""
    architectures: tuple[str, ...]
    """What it was compiled for, as `8.0`."""
    built_at: str
    binaries: dict[str, str]
    """SHA-256 of each extension, by its path in the wheel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelPackage:
    """One distribution with compiled extensions."""

    name: str
    version: str | None
    """None: not installed."""
    generator: str | None = None
    """What made the wheel, as its WHEEL file says."""
    build: KernelBuild | None = None
    build_error: str | None = None
    """Why the build record says nothing although it is there."""
    binaries: dict[str, str] | None = None
    """SHA-256 of each extension on disk, by its path in the wheel; None: nothing lists the package's files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelPackages(Fact):
    """What the packages with the kernels state of their own making."""

    key: ClassVar[str] = "kernel_packages"

    packages: tuple[KernelPackage, ...]

    @classmethod
    def observe(cls, packages: Sequence[str] = PACKAGES) -> Self:
        """Read the `.dist-info` of each named distribution and hash its extensions."""
        found = {item.name: item for item in reversed(find_distributions())}
        return cls(packages=tuple(_package(name, found.get(name)) for name in packages))


def _package(name: str, distribution: Distribution | None) -> KernelPackage:
    if distribution is None:
        return KernelPackage(name=name, version=None)
    build, error = _build(distribution.info / BUILD_RECORD)
    return KernelPackage(
        name=name,
        version=distribution.version,
        generator=_generator(distribution.info / "WHEEL"),
        build=build,
        build_error=error,
        binaries=_binaries(distribution),
    )


def _build(path: Path) -> tuple[KernelBuild | None, str | None]:
    try:
        return decode(KernelBuild, json.loads(path.read_text(encoding="utf-8"))), None
    except (FileNotFoundError, NotADirectoryError):
        return None, None
    except (OSError, ValueError, SchemaMismatch) as error:
        return None, f"{path.name} cannot be read: {error}"


def _generator(path: Path) -> str | None:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("Generator:")), None)


def _binaries(distribution: Distribution) -> dict[str, str] | None:
    record = read_record(distribution)
    if record is None:
        return None
    paths = [row.path for row in record if row.path.endswith(".so")]
    return {path: digest for path in paths if (digest := _sha256(distribution.root / path)) is not None}


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
