"""Every Triton kernel that a training step of the model's Mamba2 layers launches, compiled without a GPU.

In a cache folder that goes along to the GPU, what was compiled here is found there and not compiled again.
"""

from __future__ import annotations

import importlib.metadata
import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from envcheck.core import Fact, Json, Tier
from envcheck.places import shown
from envcheck.stub_driver import complaint, standing_in

PROCESSORS = {"8.0": 108, "9.0": 132}
"""Multiprocessors of an A100 and of an H100 or H200 module: kernels' arguments depend on how many there are."""
_FAILURES_KEPT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedKernel:
    """A kernel that Triton did not compile, with the number of its warps and stages."""

    kernel: str
    warps: int
    stages: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TritonCompile(Fact):
    """What comes of compiling what mamba_ssm would launch, for one compute capability."""

    key: ClassVar[str] = "triton_compile"
    tier: ClassVar[Tier] = Tier.DEEP
    timeout_seconds: ClassVar[float] = 600.0  # 116 kernels for each layer and type, about a second of a core for each

    error: str | None
    """Why it was not found out what is launched; None: it was."""
    capability: str
    layers: str
    """The layers that were asked for, as JSON."""
    processors: int
    """Multiprocessors of the GPU that was assumed."""
    versions: dict[str, str] = field(default_factory=dict)
    """Of triton, torch and mamba-ssm."""
    cache: str | None = None
    """Where the kernels stay; None: nowhere."""
    launches: int = 0
    """Of a forward and a backward of every layer in every type, every choice of the autotuner counted."""
    kernels: dict[str, int] = field(default_factory=dict)
    """How many variants were compiled or tried, by the name of the kernel."""
    compiled: int = 0
    seconds: float = 0.0
    workers: int = 0
    failures: tuple[FailedKernel, ...] = ()
    """The first ten."""

    @classmethod
    def observe(
        cls,
        layers: Sequence[Mapping[str, Json]],
        capability: str = "8.0",
        cache: str | None = None,
        processors: int | None = None,
    ) -> Self:
        """Record what `layers` launch, then compile it on all cores; see `envcheck.triton_launches.record`."""
        from envcheck.triton_launches import gpu, record

        asked = json.dumps(layers, sort_keys=True)
        count = processors or PROCESSORS.get(capability, 108)
        folder = None if cache is None else Path(cache).expanduser().absolute()
        kept, recorded = None if folder is None else shown(folder), []
        started = time.monotonic()
        with standing_in(folder):
            failure = complaint(lambda: recorded.append(record(layers, capability, count)))
            if failure is not None:
                return cls(
                    error=failure,
                    capability=capability,
                    layers=asked,
                    processors=count,
                    versions=_versions(),
                    cache=kept,
                )
            (seen,) = recorded
            workers = len(os.sched_getaffinity(0))
            with gpu(capability, count):
                errors = _compile_all(seen.wanted, workers)
            utilities = complaint(_driver_utilities)
        tried = zip(seen.wanted, errors, strict=True)
        failures = [_failed(*wanted, error) for wanted, error in tried if error is not None]
        if utilities is not None:
            failures.append(FailedKernel(kernel="cuda_utils", warps=0, stages=0, error=utilities))
        return cls(
            error=None,
            capability=capability,
            layers=asked,
            processors=count,
            versions=_versions(),
            cache=kept,
            launches=seen.launches,
            kernels=dict(Counter(kernel.__name__ for kernel, _ in seen.wanted)),
            compiled=errors.count(None),
            seconds=round(time.monotonic() - started, 1),
            workers=workers,
            failures=tuple(failures[:_FAILURES_KEPT]),
        )


_WANTED: list[tuple[Any, dict[str, Any]]] = []
"""What the workers compile: they are forks of this process, so that a kernel is handed over by its number."""


def _compile_all(wanted: Sequence[tuple[Any, dict[str, Any]]], workers: int) -> list[str | None]:
    """What was said about each: None for those that compiled."""
    _WANTED[:] = wanted
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        return [_outcome(task) for task in [pool.submit(_compile, number) for number in range(len(wanted))]]


def _outcome(task: Future[str | None]) -> str | None:
    try:
        return task.result()
    except BrokenProcessPool:
        return "the compiler ended the process that it ran in, and with it whatever was not yet compiled"


def _compile(number: int) -> str | None:
    from triton.compiler import compile

    kernel, options = _WANTED[number]
    return complaint(lambda: compile(kernel, **options))


def _driver_utilities() -> None:
    """Build what Triton loads kernels with, which it keeps in the same cache."""
    from triton.runtime.driver import CudaUtils

    CudaUtils()


def _failed(kernel: Any, options: Mapping[str, Any], error: str) -> FailedKernel:
    name, warps, stages = kernel.__name__, options["num_warps"], options["num_stages"]
    return FailedKernel(kernel=name, warps=warps, stages=stages, error=error)


def _versions() -> dict[str, str]:
    versions = {}
    for name in ("triton", "torch", "mamba-ssm"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions
