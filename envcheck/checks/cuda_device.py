"""torch sees the GPUs that the policy expects, and has kernels for them.

"A100" may be the one with 40 GB, a MIG slice has a fraction of either, and a card newer or older than the build's
list of architectures ends in "no kernel image is available" at the first launch.

How to fix: ask for the GPU by its exact name and memory, or for one that this build of torch serves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedGpu
from envcheck.facts.torch_runtime import TorchDevice, TorchRuntime
from envcheck.gpus import serves
from envcheck.remedies import python_command, reinstall

_GIB = 2**30


def check(context: Context) -> Finding:
    """Compare torch's devices with the policy: how many, which, how much memory, and whether it has code for them."""
    seen, expected = context.facts[TorchRuntime], context.expect[ExpectedGpu]
    if seen.error is not None:
        return Finding.unknown(f"torch cannot be imported: {seen.error}", remedy=reinstall(context, "torch"))
    count = Evidence(subject="devices", found=str(len(seen.devices)), expected=str(expected.count))
    if len(seen.devices) < expected.count:
        said = f": {seen.cuda_warnings[0]}" if seen.cuda_warnings else ""
        probe = f"{python_command(context)} -c 'import torch; torch.cuda.init()'"
        return Finding.failed(f"torch sees {count.found} of {count.expected} devices{said}", count, remedy=probe)
    wrong = tuple(item for device in seen.devices for item in _differences(device, expected, seen.architectures))
    if wrong:
        return Finding.failed(
            f"{wrong[0].subject} is {wrong[0].found}, expected {wrong[0].expected}",
            *wrong,
            remedy="nvidia-smi --query-gpu=name,memory.total,mig.mode.current,compute_cap --format=csv",
        )
    return Finding.passed(", ".join(_words(device) for device in seen.devices), count)


def _differences(device: TorchDevice, expected: ExpectedGpu, architectures: Sequence[str]) -> Iterator[Evidence]:
    if expected.names and device.name not in expected.names:
        yield Evidence(subject="the GPU", found=_words(device), expected=" or ".join(expected.names))
    if device.memory_bytes < expected.memory_gib * _GIB:
        found = f"{device.memory_bytes / _GIB:.1f} GiB"
        yield Evidence(subject=f"the memory of {device.name}", found=found, expected=f"{expected.memory_gib:g} GiB")
    if not any(serves(architecture, device.capability) for architecture in architectures):
        yield Evidence(
            subject=f"the capability of {device.name}", found=device.capability, expected=", ".join(architectures)
        )


def _words(device: TorchDevice) -> str:
    return f"{device.name} with {device.memory_bytes / _GIB:.0f} GiB"
