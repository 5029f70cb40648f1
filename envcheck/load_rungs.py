"""Loads what the kernels stand on, rung after rung, and says each as it goes: python -m envcheck.load_rungs SECONDS

A crash leaves the last rung that was begun without an end, so that a child process names the one that broke. Rungs may
be named after the seconds; without names all are climbed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

REFUSAL = "Expected x.is_cuda() to be true, but got false."
"""What the compiled code itself says to a tensor on the CPU: it was loaded, its ABI fits, the call reached C++."""


def _import(*names: str) -> Callable[[], None]:
    def rung() -> None:
        for name in names:
            importlib.import_module(name)

    return rung


def _numpy() -> None:
    """torch 2.2 beside numpy 2 warns, goes on, and then makes float32 of float64 without a word."""
    torch: Any = importlib.import_module("torch")
    numpy: Any = importlib.import_module("numpy")
    torch.from_numpy(numpy.zeros(2, "f4"))
    dtype = torch.as_tensor(numpy.zeros(2, "f8")).dtype
    if dtype != torch.float64:
        raise RuntimeError(f"Numpy is not available: torch.as_tensor made {dtype} of float64")


def _transformers() -> None:
    generation = importlib.import_module("transformers.generation")
    for name in ("GreedySearchDecoderOnlyOutput", "SampleDecoderOnlyOutput", "TextStreamer"):
        if not hasattr(generation, name):
            raise ImportError(f"cannot import name '{name}' from 'transformers.generation'")


def _modules() -> None:
    """A causal_conv1d that did not load is None in two modules, and nothing else tells of it."""
    for module, name in (
        ("mamba_ssm.modules.mamba2", "causal_conv1d_fn"),
        ("mamba_ssm.ops.triton.ssd_combined", "causal_conv1d_cuda"),
    ):
        if getattr(importlib.import_module(module), name, None) is None:
            raise AttributeError(f"'NoneType' object has no attribute 'causal_conv1d_fwd': {module}.{name} is None")


def _probe() -> None:
    torch: Any = importlib.import_module("torch")
    mamba_ssm: Any = importlib.import_module("mamba_ssm")
    layer = mamba_ssm.Mamba2(256, d_state=16, headdim=32)
    try:
        layer(torch.randn(2, 64, 256))
    except RuntimeError as error:
        # torch may append a request to improve its message; nothing may come before it
        if type(error) is RuntimeError and str(error).startswith(REFUSAL):
            return
        raise
    raise RuntimeError("a Mamba2 layer computed on the CPU: what ran is not the compiled kernel")


RUNGS: Mapping[str, Callable[[], None]] = {
    "torch": _import("torch"),
    "numpy": _numpy,
    "triton": _import("triton", "triton.language"),
    "einops": _import("einops"),
    "transformers": _transformers,
    # directly and after torch: mamba_ssm takes a broken one for an absent one
    "causal_conv1d": _import("torch", "causal_conv1d", "causal_conv1d_cuda"),
    "selective_scan_cuda": _import("torch", "selective_scan_cuda"),
    "mamba_ssm": _import("mamba_ssm"),
    "modules": _modules,
    "cpu_probe": _probe,
}


def main(argv: Sequence[str]) -> None:
    """Climb until a rung fails; one line of JSON at the start and one at the end of each.

    `heard` is how much stands on stderr by then, which is a file: what follows was said by the next rung.
    """
    signal.alarm(int(argv[1]))  # nobody may be left to end it
    answer = os.dup(1)
    os.dup2(2, 1)  # what libraries print, from C too, is not the answer
    with os.fdopen(answer, "w", encoding="utf-8") as out:
        for name in argv[2:] or RUNGS:
            started = time.monotonic()
            print(json.dumps({"begun": name, "heard": _heard()}), file=out, flush=True)
            error = _complaint(RUNGS[name])
            seconds = round(time.monotonic() - started, 3)
            ended = {"ended": name, "error": error, "seconds": seconds, "heard": _heard()}
            print(json.dumps(ended), file=out, flush=True)
            if error is not None:
                break


def _complaint(rung: Callable[[], None]) -> str | None:
    try:
        rung()
    except BaseException as problem:  # an import may raise anything, and SystemExit
        return f"{type(problem).__name__}: {problem}"
    return None


def _heard() -> int:
    with contextlib.suppress(AttributeError, OSError, ValueError):  # a library may have put anything in its place
        sys.stderr.flush()
    return os.fstat(2).st_size


if __name__ == "__main__":
    main(sys.argv)
