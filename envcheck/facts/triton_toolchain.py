"""What Triton 2.2 needs on a machine to build launchers at run time, by its files: nothing is compiled or imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from envcheck.core import Fact
from envcheck.places import in_environment, shown
from envcheck.stub_driver import compiler

LDCONFIG = "/sbin/ldconfig"
"""As Triton 2.2 spells it, whatever PATH says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TritonToolchain(Fact):
    """The compiler, headers, driver library and folders that `triton/common/build.py` of 2.2.0 would use."""

    key: ClassVar[str] = "triton_toolchain"
    ttl_seconds: ClassVar[float | None] = 1800.0  # a driver comes with a machine

    version: str | None
    """None: triton is not installed."""
    cc: str | None = None
    """`CC`; None: not set. Triton takes it as one program name, without options."""
    compiler: str | None = None
    """The compiler that was found: CC's, or gcc, or clang."""
    headers: str = ""
    """Where Python.h is looked for."""
    headers_present: bool = False
    libcuda_path: str | None = None
    """`TRITON_LIBCUDA_PATH`; where it is set, ldconfig is not asked."""
    ldconfig: bool = False
    """Whether `/sbin/ldconfig` is there."""
    drivers: tuple[str, ...] = ()
    """The files called `libcuda.so...` that the loader can find; none: there is no driver here."""
    link_folders: tuple[str, ...] = ()
    """The folders that Triton would look in and that have `libcuda.so`, without a number."""
    ptxas: str | None = None
    """The file that would be run, which is TRITON_PTXAS_PATH where that is one; None: none is there."""
    ptxas_runs: bool = False
    """Whether it may be executed."""
    cache: str = ""
    cache_writable: bool = False
    dump: str = ""
    """Where every stage of every kernel is written besides, whatever TRITON_CACHE_DIR says."""
    dump_writable: bool = False

    @classmethod
    def observe(cls) -> Self:
        """Look where Triton would look."""
        command, headers = compiler(), _headers()
        found = shutil.which(command) if command else None
        searched, drivers = _driver_folders()
        ptxas, dump = _ptxas(), Path("~/.triton/dump").expanduser()
        cache = Path(os.environ.get("TRITON_CACHE_DIR", "").strip() or Path("~/.triton/cache").expanduser())
        return cls(
            version=_version(),
            cc=_variable("CC"),
            compiler=shown(found) if found else None,
            headers=shown(headers),
            headers_present=(headers / "Python.h").is_file(),
            libcuda_path=_variable("TRITON_LIBCUDA_PATH"),
            ldconfig=Path(LDCONFIG).is_file(),
            drivers=tuple(shown(path) for path in drivers),
            link_folders=tuple(shown(folder) for folder in searched if (folder / "libcuda.so").exists()),
            ptxas=in_environment(ptxas) if ptxas else None,
            ptxas_runs=ptxas is not None and os.access(ptxas, os.X_OK),
            cache=shown(cache),
            cache_writable=_writable(cache),
            dump=shown(dump),
            dump_writable=_writable(dump),
        )


def _version() -> str | None:
    try:
        return importlib.metadata.version("triton")
    except importlib.metadata.PackageNotFoundError:
        return None


def _variable(name: str) -> str | None:
    value = os.environ.get(name)
    return None if value is None else shown(value)


def _headers() -> Path:
    scheme = sysconfig.get_default_scheme()
    return Path(sysconfig.get_paths("posix_prefix" if scheme == "posix_local" else scheme)["include"])


def _driver_folders() -> tuple[list[Path], list[Path]]:
    """The folders that are searched for `libcuda.so`, and the driver's files that the loader finds.

    As in `libcuda_dirs` of Triton 2.2.0: LD_LIBRARY_PATH counts only where ldconfig knows of no driver.
    """
    listed = [Path(line.split()[-1]) for line in _ldconfig_lines() if "libcuda.so" in line]
    on_path = [Path(item) for item in os.environ.get("LD_LIBRARY_PATH", "").split(":") if item]
    drivers = listed + [folder / "libcuda.so.1" for folder in on_path if (folder / "libcuda.so.1").exists()]
    stated = os.environ.get("TRITON_LIBCUDA_PATH")
    if stated:
        return [Path(stated)], drivers
    return list(dict.fromkeys(path.parent for path in listed)) or on_path, drivers


def _ldconfig_lines() -> list[str]:
    try:
        answer = subprocess.run([LDCONFIG, "-p"], capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return []
    return answer.stdout.splitlines()


def _ptxas() -> Path | None:
    spec = importlib.util.find_spec("triton")
    own = Path(spec.origin).parent / "third_party" / "cuda" / "bin" / "ptxas" if spec and spec.origin else None
    stated = os.environ.get("TRITON_PTXAS_PATH", "").split(" ")[0]
    return next((path for path in (Path(stated) if stated else None, own) if path and path.is_file()), None)


def _writable(folder: Path) -> bool:
    """Whether `folder` may be written to, or made: what is nearest above it and exists is asked."""
    nearest = next((path for path in (folder, *folder.absolute().parents) if path.exists()), None)
    return nearest is not None and nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
