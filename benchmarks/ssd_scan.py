"""How much faster the chunked scan is than the recurrence it equals, at 1,000 steps on a CPU.

    python benchmarks/ssd_scan.py

Both run in turns in one process, so that what else the machine does weighs on both; a line shows the medians and the
median of the per-round ratios. A training step is forward and backward.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor

from bgb.model.ssd import LONGEST_CHUNK, chunked_scan, sequential_scan

STEPS = 1000
ROUNDS = 3
SHAPES = ((1, 4, 32), (1, 8, 64), (4, 4, 32), (1, 16, 64))
"""Batch, heads, headdim; the second is a width of 512."""
CHUNKS = (LONGEST_CHUNK, 256)


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def train(scan: Callable[..., Tensor], *arguments: object) -> None:
    torch.autograd.backward(scan(*arguments).sum())


@torch.no_grad()
def infer(scan: Callable[..., Tensor], *arguments: object) -> None:
    scan(*arguments)


def compare(shape: tuple[int, int, int], chunk_size: int, run: Callable[..., None]) -> tuple[float, float, float]:
    """Median seconds of the recurrence and of the chunked scan, and the median ratio."""
    batch, heads, headdim = shape
    inputs = (
        torch.randn(batch, STEPS, heads, headdim, requires_grad=True),
        torch.rand(batch, STEPS, heads).neg().requires_grad_(),
        torch.randn(batch, STEPS, 1, 16, requires_grad=True),
        torch.randn(batch, STEPS, 1, 16, requires_grad=True),
    )
    run(chunked_scan, *inputs, chunk_size)
    rounds = [
        (seconds(lambda: run(sequential_scan, *inputs)), seconds(lambda: run(chunked_scan, *inputs, chunk_size)))
        for _ in range(ROUNDS)
    ]
    slow, fast = (statistics.median(times) for times in zip(*rounds, strict=True))
    return slow, fast, statistics.median(recurrence / chunked for recurrence, chunked in rounds)


def main() -> None:
    torch.manual_seed(0)
    print(f"{STEPS} steps, state 16, {torch.get_num_threads()} threads; the layer uses chunks of {LONGEST_CHUNK}")
    for (what, run), shape, chunk_size in product((("forward", infer), ("training", train)), SHAPES, CHUNKS):
        slow, fast, ratio = compare(shape, chunk_size, run)
        batch, heads, headdim = shape
        print(
            f"{what:9} batch {batch}, {heads:2} heads of {headdim}, chunks of {chunk_size:3}: "
            f"recurrence {slow * 1e3:6.0f} ms, chunked {fast * 1e3:6.1f} ms, ratio {ratio:5.1f}"
        )


if __name__ == "__main__":
    main()
