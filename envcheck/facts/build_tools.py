"""What compiling an extension of torch needs beside CUDA: a host compiler, programs, packages, and how parallel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from typing import ClassVar, Self

from envcheck.core import Fact
from envcheck.distributions import find_distributions
from envcheck.places import shown

PROGRAMS = ("git", "ninja", "which")
PACKAGES = ("ninja", "packaging", "setuptools", "torch", "wheel")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTools(Fact):
    """Programs as a build that starts here would find them, this environment's own scripts first."""

    key: ClassVar[str] = "build_tools"

    compiler: str
    """The host compiler as nvcc is told: `$CC`, else `g++`."""
    compiler_path: str | None
    """None: there is none."""
    compiler_version: str | None
    """As `12.2.0`."""
    compiler_is_gcc: bool
    programs: dict[str, str | None]
    """Where each is; None: nowhere on the search path."""
    packages: dict[str, str | None]
    """Version of each distribution; None: not installed."""
    max_jobs: str | None
    """How many compilations at a time, as MAX_JOBS or the builder says; None: one for each core."""
    nvcc_threads: str | None
    """`nvcc --threads`, as NVCC_THREADS or the builder says; None: what setup.py says."""

    @classmethod
    def observe(cls, max_jobs: int | None = None, nvcc_threads: int | None = None) -> Self:
        """Look programs up and ask the compiler for its version; the parameters are what a builder will set."""
        scripts = sysconfig.get_path("scripts")
        path = os.pathsep.join((scripts, os.environ.get("PATH", os.defpath)))
        compiler = os.environ.get("CC") or "g++"
        where = shutil.which(compiler.partition(" ")[0], path=path)
        said = _first_lines(where) if where else ""
        version = re.search(r"\b(\d+\.\d+\.\d+)\b", said)
        versions = {item.name: item.version for item in reversed(find_distributions())}
        return cls(
            compiler=compiler,
            compiler_path=shown(where) if where else None,
            compiler_version=version[1] if version else None,
            compiler_is_gcc="Free Software Foundation" in said,
            programs={name: shown(found) if (found := shutil.which(name, path=path)) else None for name in PROGRAMS},
            packages={name: versions.get(name) for name in PACKAGES},
            max_jobs=str(max_jobs) if max_jobs is not None else os.environ.get("MAX_JOBS"),
            nvcc_threads=str(nvcc_threads) if nvcc_threads is not None else os.environ.get("NVCC_THREADS"),
        )


def _first_lines(compiler: str) -> str:
    try:
        return subprocess.run(
            [compiler, "--version"], capture_output=True, text=True, timeout=10, errors="replace"
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
