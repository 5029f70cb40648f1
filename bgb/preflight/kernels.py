"""What the facts about compiled kernels are asked for: the layers of a run, on the GPU that it is for."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from bgb.config import RunConfig
from bgb.environment import present
from bgb.model.shapes import coerced
from bgb.preflight.contract import steps_of_window
from envcheck.collect import collect
from envcheck.core import Json, NotSeen, Request
from envcheck.expectations import ExpectedGpu
from envcheck.facts.cuda_driver import CudaDriver
from envcheck.facts.kernel_numerics import KernelNumerics
from envcheck.facts.kernel_path import KernelPath
from envcheck.facts.kernel_speed import KernelSpeed
from envcheck.facts.triton_compile import TritonCompile
from envcheck.facts.triton_probe import TritonProbe
from envcheck.gpus import GPUS
from envcheck.kernel_shapes import LayerShape
from envcheck.policy import Policy
from envcheck.suites import KERNELS_GPU, compiling

TRITON_CACHE = "~/.triton/cache"
"""Where triton 2.2.0 looks, unless TRITON_CACHE_DIR is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A GPU to compile for."""

    capability: str
    multiprocessors: int | None
    """None: not known; then a guess by capability."""


def target_of(policy: Policy) -> Target | None:
    """The GPU that the policy names, or the one that is here; None where neither is known."""
    try:
        names = policy.expect[ExpectedGpu].names
    except NotSeen:
        names = ()
    known = next((GPUS[name] for name in names if name in GPUS), None)
    if known is not None:
        return Target(capability=known.capability, multiprocessors=known.multiprocessors)
    try:
        device = next(iter(collect([Request(fact=CudaDriver)])[CudaDriver].devices), None)
    except NotSeen:
        return None
    if device is None:
        return None
    count = GPUS[device.name].multiprocessors if device.name in GPUS else None
    return Target(capability=device.capability, multiprocessors=count)


def kernel_requests(config: RunConfig, target: Target | None) -> tuple[Request, ...]:
    """The requests of the suite `kernels-gpu`, with this run's layers, batch and steps, for one GPU."""
    layer, batch, steps = layer_of(config), config.train.batch_size, steps_of_window(config)
    size: dict[str, Json] = {"layer": asdict(layer), "batch": batch, "steps": steps}
    compiled: dict[str, Json] = {
        **compiling(asdict(layer), batch=batch, steps=steps),
        "cache": present().get("TRITON_CACHE_DIR") or TRITON_CACHE,
    }
    probed: dict[str, Json] = {}
    if target is not None:
        compiled |= {"capability": target.capability, "processors": target.multiprocessors}
        probed = {"capabilities": [target.capability]}
    parameters = {
        KernelNumerics: size,
        KernelPath: size,
        KernelSpeed: size,
        TritonCompile: compiled,
        TritonProbe: probed,
    }
    return tuple(
        Request(fact=item.fact, parameters=parameters.get(item.fact, item.parameters), fixed_by=item.fixed_by)
        for item in KERNELS_GPU.requests
    )


def layer_of(config: RunConfig) -> LayerShape:
    """A Mamba layer of the run as it will be built."""
    mamba, _ = coerced(config.model.mamba)
    return LayerShape(**{name: getattr(mamba, name) for name in LayerShape.__dataclass_fields__})
