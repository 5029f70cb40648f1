"""The kernels' binaries hold code for the GPU that will be rented, known from its name.

`no kernel image is available for execution on the device` comes at the first launch. The setup.py of mamba-ssm 2.2.2
and causal-conv1d 1.4.0 names its architectures itself, without PTX, and ignores TORCH_CUDA_ARCH_LIST.

How to fix: rent a GPU that the binaries serve, or compile them for this one with `bgb kernels build --arch`.
"""

from __future__ import annotations

from collections.abc import Mapping

from envcheck.core import Context, Evidence, Finding, NotSeen
from envcheck.errors import nearest
from envcheck.expectations import ExpectedGpu
from envcheck.facts.cuda_driver import CudaDriver
from envcheck.facts.kernel_binaries import KernelBinaries, KernelBinary
from envcheck.gpus import GPUS, serves
from envcheck.remedies import build_kernels


def check(context: Context) -> Finding:
    """Every extension has machine code or PTX for the capability of every GPU that the policy names."""
    binaries = context.facts[KernelBinaries].binaries
    if not binaries:
        return Finding.unknown("there is no compiled extension to read", remedy=build_kernels())
    cards = _capabilities(context)
    if not cards:
        remedy = 'names = ["NVIDIA A100-SXM4-80GB"]  # under [expect.gpu]'
        return Finding.unknown("no GPU is named by the policy and none is here", remedy=remedy)
    unknown = [name for name, capability in cards.items() if capability is None]
    if unknown:
        return Finding.unknown(
            f"no compute capability is known for '{unknown[0]}'; {nearest(unknown[0], GPUS)}",
            remedy="nvidia-smi --query-gpu=name,compute_cap --format=csv",
        )
    wrong = [
        Evidence(
            subject=f"{binary.path.rpartition('/')[2]} on {name}", found=_words(binary), expected=f"sm_{_code(card)}"
        )
        for binary in binaries
        for name, card in cards.items()
        if card is not None
        and not any(serves(code, card) for code in (*binary.machine_code, *binary.intermediate_code))
    ]
    if wrong:
        capability = next(card for name, card in cards.items() if wrong[0].subject.endswith(f" on {name}"))
        return Finding.failed(
            f"{wrong[0].subject} has no code for capability {capability}, only {wrong[0].found}",
            *wrong,
            remedy=f"{build_kernels()} --arch {capability}",
        )
    evidence = (Evidence(subject=binary.path.rpartition("/")[2], found=_words(binary)) for binary in binaries)
    return Finding.passed(f"code for {', '.join(cards)}", *evidence)


def _capabilities(context: Context) -> Mapping[str, str | None]:
    """By name; without a name in the policy, the devices that are here."""
    names = context.expect[ExpectedGpu].names
    if names:
        return {name: GPUS[name].capability if name in GPUS else None for name in names}
    try:
        return {device.name: device.capability for device in context.facts[CudaDriver].devices}
    except NotSeen:
        return {}


def _words(binary: KernelBinary) -> str:
    return ", ".join((*binary.machine_code, *binary.intermediate_code)) or "no code for any GPU"


def _code(capability: str) -> str:
    return capability.replace(".", "")
