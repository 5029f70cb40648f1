"""Loads what the kernels stand on, one rung after another, and says each as it goes: python -m envcheck.load_rungs

A crash leaves the last rung that was begun without an end, so that a child process names the one that broke.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping
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


def _mamba() -> None:
    """A causal_conv1d that did not load is None in two modules, and nothing else tells of it."""
    importlib.import_module("mamba_ssm")
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
        if REFUSAL in str(error):
            return
        raise
    raise RuntimeError("a Mamba2 layer computed on the CPU: what ran is not the compiled kernel")


RUNGS: Mapping[str, Callable[[], None]] = {
    "torch": _import("torch"),
    "numpy": _numpy,
    "triton": _import("triton"),
    "einops": _import("einops"),
    "transformers": _transformers,
    # directly and after torch: mamba_ssm takes a broken one for an absent one
    "causal_conv1d": _import("causal_conv1d", "causal_conv1d_cuda"),
    "selective_scan_cuda": _import("selective_scan_cuda"),
    "mamba_ssm": _mamba,
    "cpu_probe": _probe,
}


def main() -> None:
    """Climb until a rung fails; one line of JSON at the start and one at the end of each."""
    out = sys.stdout
    sys.stdout = sys.stderr  # what libraries print is not the answer
    for name, rung in RUNGS.items():
        started = time.monotonic()
        print(json.dumps({"begun": name}), file=out, flush=True)
        error = None
        try:
            rung()
        except BaseException as problem:  # an import may raise anything, and SystemExit
            error = f"{type(problem).__name__}: {problem}"
        seconds = round(time.monotonic() - started, 3)
        print(json.dumps({"ended": name, "error": error, "seconds": seconds}), file=out, flush=True)
        if error is not None:
            return


if __name__ == "__main__":
    main()
