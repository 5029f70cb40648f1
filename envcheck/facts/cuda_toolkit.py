"""The CUDA toolkit that a build would use: found as torch finds it, asked for its release, looked at for headers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from envcheck.cgroups import read_text
from envcheck.core import Fact
from envcheck.places import shown

DEFAULT_HOME = Path("/usr/local/cuda")
HEADERS = ("cuda.h", "cuda_runtime.h", "cublas_v2.h", "cusparse.h", "cusolver_common.h", "crt/host_config.h")
"""What torch's own headers include, and the file that bounds the host compiler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaToolkit(Fact):
    """Where CUDA_HOME points, and what nvcc there says."""

    key: ClassVar[str] = "cuda_toolkit"

    home: str | None
    """None: nothing names a toolkit, and none is at its usual place."""
    decided_by: str
    """`CUDA_HOME`, `CUDA_PATH`, `nvcc on PATH` or the usual place, in the order in which torch asks; or `nothing`."""
    nvcc: bool = False
    """Whether `bin/nvcc` is there and may be run."""
    release: str | None = None
    """As `12.1`."""
    build: str | None = None
    """As `cuda_12.1.r12.1/compiler.32688072_0`."""
    error: str | None = None
    """Why nvcc did not say its release."""
    missing_headers: tuple[str, ...] = ()
    newest_gcc: int | None = None
    """The highest major version of gcc that `crt/host_config.h` accepts; None: it names none."""

    @classmethod
    def observe(cls, default_home: str = str(DEFAULT_HOME)) -> Self:
        """Resolve as `torch.utils.cpp_extension._find_cuda_home` of torch 2.2.2 does; then run `nvcc --version`."""
        home, decided_by = _find_home(Path(default_home))
        if home is None:
            return cls(home=None, decided_by=decided_by)
        include, nvcc = home / "include", home / "bin" / "nvcc"
        release, build, error = _release(nvcc)
        bound = re.search(r"gcc versions later than (\d+)", read_text(include / "crt" / "host_config.h"))
        return cls(
            home=shown(home),
            decided_by=decided_by,
            nvcc=os.access(nvcc, os.X_OK),
            release=release,
            build=build,
            error=error,
            missing_headers=tuple(name for name in HEADERS if not (include / name).is_file()),
            newest_gcc=int(bound[1]) if bound else None,
        )


def _find_home(default: Path) -> tuple[Path | None, str]:
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        if os.environ.get(variable):
            return Path(os.environ[variable]), variable
    if "CUDA_PATH" in os.environ:
        return None, "CUDA_PATH"  # set and empty: torch takes "" for an answer, and looks no further
    # torch asks the program `which`, and goes on as if there were no nvcc where that is missing
    nvcc = shutil.which("nvcc") if shutil.which("which") else None
    if nvcc is not None:
        return Path(nvcc).parent.parent, "nvcc on PATH"
    return (default, shown(default)) if default.exists() else (None, "nothing")


def _release(nvcc: Path) -> tuple[str | None, str | None, str | None]:
    """Release, build, and why there is none of them."""
    if not nvcc.exists():
        return None, None, f"{shown(nvcc)} does not exist"
    try:
        said = subprocess.run([str(nvcc), "--version"], capture_output=True, text=True, timeout=10, errors="replace")
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, None, f"{shown(nvcc)} cannot be run: {type(error).__name__}"
    found = re.search(r"release (\d+\.\d+)", said.stdout)
    if found is None or said.returncode != 0:
        return None, None, f"{shown(nvcc)} ended with status {said.returncode} and no release"
    build = re.search(r"^Build (\S+)$", said.stdout, re.MULTILINE)
    return found[1], build[1] if build else None, None
