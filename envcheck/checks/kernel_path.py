"""The fused kernels are what runs, as the GPU's own profiler saw it.

A right answer proves nothing: a fallback computes one too, ten times slower, or a depthwise convolution trains in place
of a Mamba layer after one line in the log. What counts is the name of the kernel that was launched.

How to fix: unset the switch that is named, or find out with `bgb test-mamba` why the kernels do not load. Where the
profiler saw nothing, a driver keeps it to administrators (RmProfilingAdminOnly: 1): take another machine.
"""

from __future__ import annotations

import re

from envcheck.core import Context, Evidence, Finding
from envcheck.facts.kernel_path import KernelPath
from envcheck.remedies import build_kernels

_EXPECTED = (
    # the names of the __global__ functions and Triton kernels in causal-conv1d 1.4.0 and mamba-ssm 2.2.2
    r"causal_conv1d\w*fwd",
    r"causal_conv1d\w*bwd",
    r"_chunk_state_fwd",
    r"_state_passing_fwd",
    r"_chunk_scan_fwd",
    r"_chunk_scan_\w*bwd",
    r"_state_passing_bwd",
)


def check(context: Context) -> Finding:
    """Every kernel of the fused path was launched, and no switch asks for another one."""
    seen = context.facts[KernelPath]
    if seen.switches:
        name, value = sorted(seen.switches.items())[0]
        switches = (Evidence(subject=key, found=set_to, expected="not set") for key, set_to in seen.switches.items())
        summary = f"{name}={value} replaces the kernels or makes each launch wait"
        return Finding.failed(summary, *switches, remedy=f"unset {name}")
    if seen.device is None:
        return Finding.unknown(f"no kernel was launched: {seen.problem}", remedy="nvidia-smi")
    if seen.problem is not None:
        return Finding.failed(f"a step of a layer fails on {seen.device}: {seen.problem}", remedy=build_kernels())
    if not seen.kernels:
        summary = f"the profiler saw no kernel at all on {seen.device}, expected those of one training step"
        return Finding.unknown(summary, remedy="grep RmProfilingAdminOnly /proc/driver/nvidia/params")
    found = {pattern: [name for name in seen.kernels if re.search(pattern, name)] for pattern in _EXPECTED}
    evidence = tuple(
        Evidence(subject=pattern, found=names[0] if names else "not launched", expected="launched")
        for pattern, names in found.items()
    )
    absent = [pattern for pattern, names in found.items() if not names]
    if absent:
        summary = f"no kernel like {absent[0]} was launched, of {len(seen.kernels)} that were: another path ran"
        return Finding.failed(summary, *evidence, remedy=build_kernels())
    return Finding.passed(f"the fused path ran on {seen.device}: {len(seen.kernels)} kernels seen", *evidence)
