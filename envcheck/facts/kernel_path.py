"""Which kernels a training step of a Mamba-2 layer really launches, as the profiler of the GPU saw them."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from envcheck.core import Fact, Tier
from envcheck.kernel_shapes import LayerShape
from envcheck.redact import redact

SWITCHES = (
    "SEIZURE_MAMBA_FORCE_FALLBACK",
    "TRITON_INTERPRET",
    "TRITON_DEBUG",
    "CUDA_LAUNCH_BLOCKING",
    "TORCHDYNAMO_DISABLE",
)
"""Variables that replace a kernel, or make every launch wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelPath(Fact):
    """Forward and backward of one layer."""

    key: ClassVar[str] = "kernel_path"
    tier: ClassVar[Tier] = Tier.DEEP
    timeout_seconds: ClassVar[float] = 300.0
    alone: ClassVar[bool] = True

    device: str | None
    switches: dict[str, str]
    """Those that are set to anything but 0."""
    kernels: tuple[str, ...] = ()
    """Names as the GPU's profiler gives them, each once."""
    problem: str | None = None

    @classmethod
    def observe(cls, *, layer: Mapping[str, int] | None = None, batch: int = 2, steps: int = 960) -> Self:
        """One step unseen, for autotuning, then one under the profiler."""
        switches = {name: os.environ[name] for name in SWITCHES if os.environ.get(name, "0") not in ("", "0")}
        torch: Any = importlib.import_module("torch")
        if not torch.cuda.is_available():
            return cls(device=None, switches=switches, problem="torch sees no CUDA device")
        name = torch.cuda.get_device_name()
        try:
            mamba_ssm: Any = importlib.import_module("mamba_ssm")
            shape = LayerShape(**dict(layer or {}))
            module = mamba_ssm.Mamba2(**asdict(shape)).cuda()
            u = torch.randn(batch, steps, shape.d_model, device="cuda", requires_grad=True)
            _step(torch, module, u)
            profiler: Any = importlib.import_module("torch.profiler")
            with profiler.profile(activities=[profiler.ProfilerActivity.CUDA]) as profile:
                _step(torch, module, u)
                torch.cuda.synchronize()
        except Exception as error:  # those of Triton's compiler have no base of their own
            problem = redact(f"{type(error).__name__}: {error}")[:1000]
            return cls(device=name, switches=switches, problem=problem)
        kernels = launched(profile.events(), profiler.DeviceType.CUDA)
        return cls(device=name, switches=switches, kernels=kernels)


def launched(events: Iterable[Any], device: object) -> tuple[str, ...]:
    """The names of what ran on the device, each once; the profiler also lists the calls that asked for it."""
    return tuple(sorted({str(event.name) for event in events if event.device_type == device}))


def _step(torch: Any, module: Any, u: Any) -> None:
    with torch.autocast("cuda", dtype=torch.bfloat16):
        loss = module(u).float().square().mean()
    loss.backward()
