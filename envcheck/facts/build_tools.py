"""What compiling an extension of torch needs beside CUDA: host compilers, programs, packages, and how parallel."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from envcheck.core import Fact
from envcheck.distributions import find_distributions
from envcheck.places import shown
from envcheck.redact import redact

PROGRAMS = ("git", "ninja", "which")
PACKAGES = ("ninja", "packaging", "setuptools", "torch", "wheel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """A compiler as a build would call it."""

    name: str
    """The command, as the variable or the default says."""
    path: str | None
    """None: there is none."""
    version: str | None = None
    """As `12.2.0`."""
    gcc: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTools(Fact):
    """Programs as a build that starts here would find them, this environment's own scripts first."""

    key: ClassVar[str] = "build_tools"

    nvcc_compiler: Compiler
    """`$CC`, which torch hands to nvcc as `-ccbin`, else the `gcc` that nvcc calls on its own."""
    cxx_compilers: tuple[Compiler, ...]
    """`$CXX`, else two: `c++`, which torch gives to ninja, and the one of Python's own build, whose ABI it checks."""
    programs: dict[str, str | None]
    """Where each is; None: nowhere on the search path."""
    ninja_version: str | None
    """None: it did not run, and torch compiles without it, one file after the other."""
    packages: dict[str, str | None]
    """Version of each distribution; None: not installed."""
    max_jobs: str | None
    """How many compilations at a time, as MAX_JOBS or the builder says; None: what ninja chooses."""
    nvcc_threads: int | None
    """`nvcc --threads`, as the builder says; None: what setup.py says."""
    nvcc_threads_variable: str | None
    """NVCC_THREADS, which flash-attention's setup.py reads and those of the pinned commits do not."""

    @classmethod
    def observe(cls, max_jobs: int | None = None, nvcc_threads: int | None = None) -> Self:
        """Look programs up and ask them for their versions; the parameters are what a builder will set."""
        path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
        own = (sysconfig.get_config_var("CXX") or "g++").split()[0]
        cxx = [os.environ["CXX"]] if os.environ.get("CXX") else list(dict.fromkeys(("c++", own)))
        programs = {name: shutil.which(name, path=path) for name in PROGRAMS}
        versions = {item.name: item.version for item in reversed(find_distributions())}
        return cls(
            nvcc_compiler=_compiler(os.environ.get("CC") or "gcc", path),
            cxx_compilers=tuple(_compiler(name, path) for name in cxx),
            programs={name: shown(found) if found else None for name, found in programs.items()},
            ninja_version=_ninja_version(programs["ninja"]),
            packages={name: versions.get(name) for name in PACKAGES},
            max_jobs=str(max_jobs) if max_jobs is not None else os.environ.get("MAX_JOBS"),
            nvcc_threads=nvcc_threads,
            nvcc_threads_variable=redact(os.environ["NVCC_THREADS"]) if "NVCC_THREADS" in os.environ else None,
        )


def _compiler(command: str, path: str) -> Compiler:
    """A command may have words before the compiler, as in `ccache g++`."""
    try:
        words = shlex.split(command)
    except ValueError:  # a quote that is not closed
        words = []
    found = [shutil.which(word, path=path) for word in words[:1]]
    where = found[0] if found else None
    if where is None:
        return Compiler(name=shown(command), path=None)
    said = _said([where, *words[1:]])
    return Compiler(
        name=shown(command), path=shown(where), version=_version(said), gcc="Free Software Foundation" in said
    )


def _ninja_version(path: str | None) -> str | None:
    said = _said([path]).strip() if path else ""
    return said.partition("\n")[0] or None


def _version(said: str) -> str | None:
    """Of the first line: builders write their own numbers in brackets, `gcc (crosstool-NG 1.24.0) 9.3.0`."""
    first = re.sub(r"\(.*\)", "", said.partition("\n")[0])
    found = re.search(r"\d+\.\d+\.\d+", first)
    return found[0] if found else None


def _said(command: Sequence[str]) -> str:
    """What the command answers to `--version`; nothing where it fails, as torch goes by the status too."""
    environment = {**os.environ, "LC_ALL": "C"}  # some translate the words by which gcc is known
    try:
        ended = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, timeout=5, errors="replace", env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout if ended.returncode == 0 else ""
