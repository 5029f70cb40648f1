"""The GPU is whole, idle and as it was asked for.

An "A100" may have 40 GB, a slice (MIG) a fraction of that; a card with uncorrectable memory errors ends a run after
hours; another process takes the memory that the plan counts on; NVIDIA_TF32_OVERRIDE changes results below torch.

How to fix: give the machine back and take another, end the process that is named, or unset the variable.
"""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedGpu
from envcheck.facts.gpu_state import IDLE_MIB, GpuCard, GpuState

_MIB_PER_GIB = 1024
_HARMLESS = {"PYTORCH_CUDA_ALLOC_CONF"}
_OFF_BY_ZERO = {"CUDA_LAUNCH_BLOCKING", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "TRITON_DEBUG", "TRITON_INTERPRET"}
"""NVIDIA_TF32_OVERRIDE=0 is the one that turns TF32 off; torch takes any value of PYTORCH_NO_CUDA_MEMORY_CACHING."""


def check(context: Context) -> Finding:
    """What is broken or other than asked fails; somebody else on the card is UNKNOWN, with the holder named."""
    state, expected = context.facts[GpuState], context.expect[ExpectedGpu]
    if state.problem is not None:
        return Finding.unknown(state.problem, remedy="nvidia-smi")
    if not state.cards:
        return Finding.failed("nvidia-smi shows no GPU", remedy="nvidia-smi -L")
    wrong = [item for card in state.cards for item in _differences(card, expected)]
    wrong += [
        (Evidence(subject=name, found=value, expected="not set"), f"unset {name}")
        for name, value in sorted(state.switches.items())
        if name not in _HARMLESS and not (name in _OFF_BY_ZERO and value in ("", "0"))
    ]
    seen = tuple(_seen(state))
    if wrong:
        first, remedy = wrong[0]
        evidence = tuple(item for item, _ in wrong)
        return Finding.failed(f"{first.subject} is {first.found}, expected {first.expected}", *evidence, remedy=remedy)
    held = [card for card in state.cards if card.used_mib is None or card.used_mib > IDLE_MIB]
    if state.processes:
        holder = state.processes[0]
        memory = "" if holder.memory_mib is None else f" with {holder.memory_mib} MiB"
        summary = f"the GPU is busy: process {holder.pid} ({holder.name}) is on it{memory}"
        return Finding.unknown(summary, *seen, remedy="nvidia-smi --query-compute-apps=pid,process_name --format=csv")
    if held:
        found = "an unknown part" if held[0].used_mib is None else f"{held[0].used_mib} MiB"
        summary = (
            f"the GPU may be busy: {found} of the memory of {held[0].name} is held by a process that nvidia-smi does "
            f"not list, as of another container, expected at most {IDLE_MIB} MiB"
        )
        again = "nvidia-smi --query-gpu=index,memory.used --format=csv  # if it stays, take another machine"
        return Finding.unknown(summary, *seen, remedy=again)
    return Finding.passed(", ".join(f"{card.name}, {card.memory_mib} MiB, idle" for card in state.cards), *seen)


def _differences(card: GpuCard, expected: ExpectedGpu) -> Iterator[tuple[Evidence, str]]:
    another = "nvidia-smi --query-gpu=name,memory.total --format=csv  # then give this machine back and take another"
    name = f"GPU {card.index}"
    if expected.names and card.name not in expected.names:
        yield Evidence(subject=name, found=card.name, expected=" or ".join(expected.names)), another
    if card.memory_mib < expected.memory_gib * _MIB_PER_GIB:
        found = f"{card.memory_mib / _MIB_PER_GIB:.1f} GiB"
        yield (
            Evidence(subject=f"the memory of {card.name}", found=found, expected=f"{expected.memory_gib:g} GiB"),
            another,
        )
    if card.mig:
        yield (
            Evidence(subject=f"MIG on {card.name}", found="enabled", expected="disabled"),
            f"nvidia-smi -i {card.index} -mig 0",
        )
    if card.uncorrected_errors:
        found = str(card.uncorrected_errors)
        yield Evidence(subject=f"uncorrected memory errors of {card.name}", found=found, expected="0"), another
    if card.compute_mode == "Prohibited":
        remedy = f"nvidia-smi -i {card.index} -c DEFAULT"
        yield Evidence(subject=f"the compute mode of {card.name}", found="Prohibited", expected="Default"), remedy


def _seen(state: GpuState) -> Iterator[Evidence]:
    for card in state.cards:
        ecc = {True: "ECC on", False: "ECC off", None: "no ECC"}[card.ecc]
        found = (
            f"driver {card.driver}, {ecc}, {card.compute_mode}, throttling {card.throttle}, {card.used_mib} MiB used"
        )
        yield Evidence(subject=card.name, found=found)
    for name, value in sorted(state.switches.items()):
        yield Evidence(subject=name, found=value)
