"""Every Triton kernel of a training step compiles for the GPU that the run is for.

A step of one Mamba2 layer launches 16 kernels in up to 12 variants each, from which Triton chooses by trying them on
the GPU. That is minutes of compiling on a card that is paid by the second, and one variant that fails ends the run.

How to fix: what is missing is named; carry the cache folder to the GPU and name it in TRITON_CACHE_DIR.
"""

from __future__ import annotations

import shlex

from envcheck.core import Context, Evidence, Finding, NotSeen
from envcheck.expectations import ExpectedGpu
from envcheck.facts.cuda_driver import CudaDriver
from envcheck.facts.triton_compile import TritonCompile
from envcheck.gpus import GPUS
from envcheck.remedies import python_command
from envcheck.triton_causes import cause_of

_PACKAGES = ("mamba-ssm", "triton")


def check(context: Context) -> Finding:
    """All must have compiled, for the capability of the GPU that is here, or else of those that are expected."""
    seen = context.facts[TritonCompile]
    if seen.error is not None:
        cause, remedy = cause_of(context, seen.error, "ptxas", _PACKAGES)
        said = Evidence(subject="what was said", found=seen.error, expected="nothing")
        return Finding.failed(f"what mamba_ssm launches cannot be found out: {cause}", said, remedy=remedy)
    count = Evidence(subject="kernels", found=str(seen.compiled), expected=str(sum(seen.kernels.values())))
    if seen.failures:
        first = seen.failures[0]
        cause, remedy = cause_of(context, first.error, "ptxas", _PACKAGES)
        variant = f"{first.kernel} with {first.warps} warps and {first.stages} stages"
        summary = (
            f"{count.found} of {count.expected} kernels compile for {seen.capability}; {variant} does not: {cause}"
        )
        failures = (Evidence(subject=item.kernel, found=item.error, expected="compiled") for item in seen.failures)
        return Finding.failed(summary, count, *failures, remedy=remedy)
    missing = [capability for capability in _needed(context) if capability != seen.capability]
    if missing or not seen.kernels:
        wanted = missing[0] if missing else seen.capability
        found = f"{count.found} kernels were compiled for {seen.capability}"
        return Finding.unknown(f"{found}, expected those for {wanted}", count, remedy=_again(context, seen, wanted))
    kept = f", kept in {seen.cache}" if seen.cache else ""
    return Finding.passed(f"{count.found} kernels compile for {seen.capability} in {seen.seconds:.0f} s{kept}", count)


def _needed(context: Context) -> tuple[str, ...]:
    """Capabilities; a GPU whose capability is not known counts by its name, so that it is not passed over."""
    try:
        here = context.facts[CudaDriver].devices
    except NotSeen:
        here = ()
    if here:
        return tuple(dict.fromkeys(device.capability for device in here))
    try:
        names = context.expect[ExpectedGpu].names
    except NotSeen:
        return ()
    return tuple(dict.fromkeys(GPUS[name].capability if name in GPUS else name for name in names))


def _again(context: Context, seen: TritonCompile, capability: str) -> str:
    asked = f'{{"capability": "{capability}", "layers": {seen.layers}}}'
    return f"{python_command(context)} -m envcheck observe triton_compile --with {shlex.quote(asked)}"
