"""The kernels are as fast as this GPU allows, and mixed precision is worth having.

FP32 and a small batch once made a $319 run a $3,190 one. What bytes and operations cost at least on this card is known;
a step that takes many times that is refused before it is repeated a million times.

How to fix: unset debug switches, look at who else is on the card, raise the batch, train in bf16.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedSpeed
from envcheck.facts.kernel_speed import KernelSpeed
from envcheck.gpus import GPUS
from envcheck.kernel_shapes import BACKWARD, LayerShape, layer_operations, scan_bytes, scan_operations

_HALF_BYTES = 2


def check(context: Context) -> Finding:
    """Compare measured times with the floor of the card, and float32 with mixed precision."""
    seen, expected = context.facts[KernelSpeed], context.expect[ExpectedSpeed]
    if seen.device is None:
        return Finding.unknown(f"nothing was timed: {seen.problem}", remedy="nvidia-smi")
    if seen.problem is not None or None in (seen.scan_seconds, seen.float32_seconds, seen.mixed_seconds):
        return Finding.unknown(f"the kernels could not be timed: {seen.problem}", remedy="bgb test-mamba --tier deep")
    if seen.device not in GPUS:
        return Finding.unknown(f"no peak rates are known for '{seen.device}'", remedy="envcheck explain kernel_speed")
    scan, exact, mixed = seen.scan_seconds or 0.0, seen.float32_seconds or 0.0, seen.mixed_seconds or 0.0
    floors = {"the scan": (scan, scan_floor(seen)), "a layer in mixed precision": (mixed, layer_floor(seen))}
    evidence = (
        *(
            Evidence(
                subject=what,
                found=f"{seconds * 1e3:.3g} ms, {seconds / floor:.1f} times the floor",
                expected=f"at most {expected.max_times_floor:g} times {floor * 1e3:.3g} ms",
            )
            for what, (seconds, floor) in floors.items()
        ),
        Evidence(
            subject="float32 over mixed",
            found=f"{exact / mixed:.2f} ({exact * 1e3:.3g} over {mixed * 1e3:.3g} ms)",
            expected=f"at least {expected.min_mixed_speedup:g}",
        ),
    )
    slow = [
        item
        for item, (seconds, floor) in zip(evidence, floors.values(), strict=False)
        if seconds > expected.max_times_floor * floor
    ]
    if exact < expected.min_mixed_speedup * mixed:
        slow.append(evidence[-1])
    if slow:
        summary = f"{slow[0].subject}: {slow[0].found}, expected {slow[0].expected}"
        return Finding.failed(summary, *evidence, remedy="nvidia-smi -q -d PERFORMANCE,CLOCK  # then bgb test-mamba")
    return Finding.passed(
        f"on {seen.device}: the scan {evidence[0].found}, mixed precision {evidence[2].found}", *evidence
    )


def scan_floor(seen: KernelSpeed) -> float:
    """Seconds that a forward and a backward scan take at least on this card, in bfloat16."""
    gpu, shape = GPUS[seen.device or ""], LayerShape(**seen.layer)
    moved = scan_bytes(shape, seen.batch, seen.steps, _HALF_BYTES) / (gpu.bandwidth_gb_per_second * 1e9)
    computed = scan_operations(shape, seen.batch, seen.steps) / (gpu.half_tflops * 1e12)
    return (1 + BACKWARD) * max(moved, computed)


def layer_floor(seen: KernelSpeed) -> float:
    """The same for a layer: its projections go forward once and backward twice."""
    gpu, shape = GPUS[seen.device or ""], LayerShape(**seen.layer)
    projections = layer_operations(shape, seen.batch, seen.steps) - scan_operations(shape, seen.batch, seen.steps)
    return 3 * projections / (gpu.half_tflops * 1e12) + scan_floor(seen)
