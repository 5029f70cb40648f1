"""The Mamba layers run the implementation that the configuration names.

A kernel that failed to load was once replaced by a depthwise convolution, with a warning nobody read; the checkpoint
then held trained weights of another network. `model.mamba.kernel` names what runs, and nothing replaces it.

How to fix: choose `reference` (pure torch, any device) or, deliberately, `conv1d`; compiled kernels must be proven on
the GPU that will run them.
"""

from __future__ import annotations

from bgb.plan import RunPlan
from envcheck.core import Context, Finding


def check(context: Context) -> Finding:
    """Say which implementation will run; the compiled kernels cannot be vouched for yet."""
    kernel = context.expect[RunPlan].kernel
    if kernel == "cuda":
        return Finding.unknown(
            "the compiled Mamba kernels were not run: nothing here exercises them yet",
            remedy="set model.mamba.kernel to reference in the configuration",
        )
    if kernel == "conv1d":
        return Finding.passed("no Mamba: the configuration names the conv1d stand-in")
    return Finding.passed("the pure-torch Mamba-2 (reference) runs; nothing to compile, nothing to fall back to")
