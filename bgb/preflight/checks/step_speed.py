"""A training step takes as long here as the plan counts on, and the run keeps its budget at that speed.

FP32 and a small batch once made a $319 run a $3,190 one, and nobody had taken a step before a hundred epochs of them
were started. A few steps on random windows, on the device that will train, cost seconds.

How to fix: train in bf16, raise the batch, look at who else is on the device, or raise the budget deliberately.
"""

from __future__ import annotations

from collections.abc import Iterator

from bgb.plan import RunPlan
from bgb.preflight.contract import RunContract
from bgb.preflight.facts.step_speed import StepSpeed
from envcheck.core import Context, Evidence, Finding

SLOWER_AT_MOST = 1.5
"""Times `train.seconds_per_step`, which may have been measured with the loader's waiting, or on a quieter machine."""


def check(context: Context) -> Finding:
    """Compare the measured step with the stated one, with the other precision, and its sum with the budget."""
    seen, plan, contract = context.facts[StepSpeed], context.expect[RunPlan], context.expect[RunContract]
    if seen.device is None:
        return Finding.unknown(f"no step was taken: {seen.problem}", remedy="nvidia-smi")
    if seen.seconds is None:
        memory = "out of memory" in (seen.problem or "")
        remedy = "lower train.batch_size in the configuration" if memory else "bgb test-mamba"
        return Finding.failed(
            f"a step of {seen.batch_size} windows fails on {seen.device}: {seen.problem}", remedy=remedy
        )
    wrong = list(_too_slow(seen, seen.seconds, plan, contract))
    evidence = tuple(_evidence(seen, seen.seconds, plan, contract))
    if wrong:
        remedy = "nvidia-smi  # who else is on it? then train.precision: bf16, or raise the budget"
        return Finding.failed(
            f"{wrong[0].subject}: {wrong[0].found}, expected {wrong[0].expected}", *wrong, remedy=remedy
        )
    hours = plan.steps * seen.seconds / 3600
    beside = "" if seen.other_seconds is None else f" ({seen.other_seconds:.3g} s in {seen.other_precision})"
    cost = "" if contract.usd_per_hour is None else f", {hours * contract.usd_per_hour:.3g} USD"
    return Finding.passed(
        f"a step takes {seen.seconds:.3g} s in {seen.precision}{beside} on {seen.device}: {hours:.3g} hours{cost}",
        *evidence,
    )


def _too_slow(seen: StepSpeed, seconds: float, plan: RunPlan, contract: RunContract) -> Iterator[Evidence]:
    hours = plan.steps * seconds / 3600
    stated = contract.seconds_per_step
    if stated is not None and seconds > SLOWER_AT_MOST * stated:
        found = f"{seconds:.3g} s on {seen.device}"
        yield Evidence(subject="a step", found=found, expected=f"the {stated:g} s of train.seconds_per_step")
    if contract.max_hours is not None and hours > contract.max_hours:
        found = f"{hours:.3g} hours at {seconds:.3g} s a step"
        yield Evidence(subject=f"{plan.steps} steps", found=found, expected=f"at most {contract.max_hours:g} hours")
    if contract.max_usd is not None and contract.usd_per_hour is not None:
        usd = hours * contract.usd_per_hour
        if usd > contract.max_usd:
            found = f"${usd:.2f} at {seconds:.3g} s a step"
            yield Evidence(subject=f"{plan.steps} steps", found=found, expected=f"at most ${contract.max_usd:g}")
    if seen.other_precision == "fp32" and seen.other_seconds is not None and seen.other_seconds < seconds:
        found = f"{seconds:.3g} s, fp32 takes {seen.other_seconds:.3g} s"
        yield Evidence(subject=f"a step in {seen.precision}", found=found, expected="no longer than in fp32")


def _evidence(seen: StepSpeed, seconds: float, plan: RunPlan, contract: RunContract) -> Iterator[Evidence]:
    stated = contract.seconds_per_step
    expected = "train.seconds_per_step is not stated" if stated is None else f"{stated:g} s stated"
    yield Evidence(subject=f"a step of {seen.batch_size} windows", found=f"{seconds:.4g} s", expected=expected)
    if seen.other_seconds is not None:
        yield Evidence(subject=f"the same in {seen.other_precision}", found=f"{seen.other_seconds:.4g} s")
    if seen.peak_memory_bytes is not None:
        yield Evidence(subject="peak memory", found=f"{seen.peak_memory_bytes / 2**30:.2f} GiB")
    yield Evidence(subject="steps", found=str(plan.steps))
