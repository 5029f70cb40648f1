"""Run the GPU facts of the kernels at one shape and write what they saw as JSON, with the environment they saw it in.

    python -m benchmarks.gpu.kernels --out benchmarks/gpu/a100.json

Needs a GPU with compiled mamba_ssm and causal_conv1d: `bgb kernels build --install` for the pinned ones.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import sys
from pathlib import Path

from envcheck.collect import collect
from envcheck.core import Request
from envcheck.facts.cuda_driver import CudaDriver
from envcheck.facts.gpu_state import GpuState
from envcheck.facts.kernel_load import KernelLoad
from envcheck.facts.kernel_numerics import KernelNumerics
from envcheck.facts.kernel_path import KernelPath
from envcheck.facts.kernel_speed import KernelSpeed

PACKAGES = ("torch", "triton", "mamba-ssm", "causal-conv1d", "numpy", "transformers")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=960)
    parser.add_argument("--layers", type=int, default=6, help="in the training step that is timed")
    parser.add_argument("--layer", type=json.loads, default={}, help='as {"d_model": 512}')
    chosen = parser.parse_args()
    size = {"layer": chosen.layer, "batch": chosen.batch, "steps": chosen.steps}
    requests = [
        *(Request(fact=fact) for fact in (CudaDriver, GpuState, KernelLoad)),
        *(Request(fact=fact, parameters=size) for fact in (KernelNumerics, KernelPath)),
        Request(fact=KernelSpeed, parameters={**size, "layers": chosen.layers}),
    ]
    facts = collect(requests, workers=1, progress=print)
    versions = {name: _version(name) for name in PACKAGES}
    about = {"arguments": sys.argv[1:], "python": platform.python_version(), "packages": versions}
    chosen.out.write_text(json.dumps({"about": about, "facts": facts.to_json()}, indent=1) + "\n")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
