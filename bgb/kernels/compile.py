"""Runs the setup.py in the current folder, with the architectures that were asked for: python -m ... DIST 8.0,9.0 1

The setup.py of both packages writes its list of architectures into the code and ignores TORCH_CUDA_ARCH_LIST; four
threads for each job are written there too. The sources stay untouched: only what it hands to torch is changed.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Sequence
from typing import Any


def nvcc_arguments(given: Sequence[str], architectures: Sequence[str], threads: int) -> list[str]:
    """The same arguments with machine code for these architectures alone, as `8.0`, and so many threads."""
    kept: list[str] = []
    words = iter(given)
    for word in words:
        if word in ("-gencode", "--threads"):
            next(words, None)
        else:
            kept.append(word)
    for architecture in architectures:
        number = architecture.replace(".", "")
        kept += ["-gencode", f"arch=compute_{number},code=sm_{number}"]
    return [*kept, "--threads", str(threads)]


def main(dist: str, architectures: Sequence[str], threads: int) -> None:
    """Build a wheel of what lies in the current folder into `dist`."""
    from torch.utils import cpp_extension

    original: Callable[..., Any] = cpp_extension.CUDAExtension

    def with_architectures(name: str, sources: list[str], *rest: Any, **options: Any) -> Any:
        options["extra_compile_args"]["nvcc"] = nvcc_arguments(
            options["extra_compile_args"]["nvcc"], architectures, threads
        )
        return original(name, sources, *rest, **options)

    cpp_extension.CUDAExtension = with_architectures
    sys.argv = ["setup.py", "bdist_wheel", "--dist-dir", dist]
    runpy.run_path("setup.py", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2].split(","), int(sys.argv[3]))
