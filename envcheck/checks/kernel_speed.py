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

_HALF_BYTES, _SINGLE_BYTES = 2, 4
_ADAM_TRANSFERS = 7
"""Float32 values for each parameter: it, its gradient and both moments are read, all but the gradient written."""


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
    floors = {
        "the scan": (scan, scan_floor(seen)),
        "a training step in mixed precision": (mixed, step_floor(seen, mixed=True)),
        "a training step in float32": (exact, step_floor(seen, mixed=False)),
    }
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
        f"on {seen.device}: the scan {evidence[0].found}, float32 over mixed {evidence[-1].found}", *evidence
    )


def scan_floor(seen: KernelSpeed, element: int = _HALF_BYTES) -> float:
    """Seconds that a forward and a backward scan take at least on this card, with values of so many bytes.

    Always at the rate of tensor cores: Triton uses them for float32 too, so a lower one would be no floor.
    """
    gpu, shape = GPUS[seen.device or ""], LayerShape(**seen.layer)
    moved = scan_bytes(shape, seen.batch, seen.steps, element) / (gpu.bandwidth_gb_per_second * 1e9)
    computed = scan_operations(shape, seen.batch, seen.steps) / (max(gpu.half_tflops, gpu.float32_tflops) * 1e12)
    return (1 + BACKWARD) * max(moved, computed)


def step_floor(seen: KernelSpeed, *, mixed: bool) -> float:
    """The same for a training step: projections go forward once and backward twice, Adam reads and writes it all."""
    gpu, shape = GPUS[seen.device or ""], LayerShape(**seen.layer)
    projections = layer_operations(shape, seen.batch, seen.steps) - scan_operations(shape, seen.batch, seen.steps)
    rate = max(gpu.half_tflops, gpu.float32_tflops) if mixed else gpu.float32_tflops
    layer = 3 * projections / (rate * 1e12) + scan_floor(seen, _HALF_BYTES if mixed else _SINGLE_BYTES)
    updated = _ADAM_TRANSFERS * _SINGLE_BYTES * shape.parameters / (gpu.bandwidth_gb_per_second * 1e9)
    return seen.layers * (layer + updated)
