"""The Mamba layers run the implementation that the configuration names.

A kernel that failed to load was once replaced by a depthwise convolution, with a warning nobody read; the checkpoint
then held trained weights of another network. `model.mamba.kernel` names what runs, and nothing replaces it.

How to fix: choose `reference` (pure torch, any device) or, deliberately, `conv1d`; compiled kernels need a GPU, and to
load here: `bgb test-mamba` says what is wrong with them.
"""

from __future__ import annotations

from bgb.plan import RunPlan
from envcheck.core import Context, Evidence, Finding
from envcheck.facts.kernel_load import KernelLoad


def check(context: Context) -> Finding:
    """Compiled kernels must have loaded and refused the CPU; their numbers, path and speed have checks of their own."""
    plan = context.expect[RunPlan]
    if plan.kernel == "conv1d":
        return Finding.passed("no Mamba: the configuration names the conv1d stand-in")
    if plan.kernel != "cuda":
        return Finding.passed("the pure-torch Mamba-2 (reference) runs; nothing to compile, nothing to fall back to")
    if plan.device != "cuda":
        evidence = Evidence(subject="train.device", found=plan.device, expected="cuda")
        summary = f"compiled kernels run on a GPU alone, and train.device is {plan.device}"
        return Finding.failed(summary, evidence, remedy="set model.mamba.kernel to reference in the configuration")
    rungs = context.facts[KernelLoad].rungs
    broken = [rung.name for rung in rungs if rung.error is not None or not rung.tried]
    if broken:
        evidence = Evidence(subject="kernel_load", found=f"stops at {broken[0]}", expected="every rung")
        return Finding.failed(f"the compiled kernels do not load: {broken[0]}", evidence, remedy="bgb test-mamba")
    return Finding.passed("the compiled kernels load; nothing stands in for them, an error in one ends the run")
