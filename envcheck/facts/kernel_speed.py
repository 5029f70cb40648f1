"""How long the scan and a step of a layer take on the GPU that is here, in float32 and in mixed precision."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, ClassVar, Self

from envcheck.core import Fact, Tier
from envcheck.kernel_shapes import LayerShape
from envcheck.redact import redact

REPEATS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSpeed(Fact):
    """Medians of `REPEATS` forward and backward passes, by the GPU's own clock."""

    key: ClassVar[str] = "kernel_speed"
    tier: ClassVar[Tier] = Tier.DEEP
    timeout_seconds: ClassVar[float] = 600.0
    ttl_seconds: ClassVar[float | None] = 1800.0

    device: str | None
    layer: dict[str, int]
    batch: int
    steps: int
    scan_seconds: float | None = None
    """The scan alone, in bfloat16."""
    float32_seconds: float | None = None
    """A layer in float32."""
    mixed_seconds: float | None = None
    """A layer under bfloat16 autocast."""
    problem: str | None = None

    @classmethod
    def observe(cls, *, layer: Mapping[str, int] | None = None, batch: int = 8, steps: int = 960) -> Self:
        """Warm up, so that autotuning is over, then measure."""
        shape = LayerShape(**dict(layer or {}))
        torch: Any = importlib.import_module("torch")
        about: dict[str, Any] = {"layer": asdict(shape), "batch": batch, "steps": steps}
        if not torch.cuda.is_available():
            return cls(device=None, problem="torch sees no CUDA device", **about)
        about["device"] = torch.cuda.get_device_name()
        try:
            scan = _time(torch, _scan(torch, shape, batch, steps))
            exact, mixed = (_time(torch, _layer(torch, shape, batch, steps, mixed)) for mixed in (False, True))
        except (RuntimeError, ImportError, AttributeError, TypeError) as error:
            return cls(problem=redact(f"{type(error).__name__}: {error}")[:1000], **about)
        return cls(scan_seconds=scan, float32_seconds=exact, mixed_seconds=mixed, **about)


def _scan(torch: Any, shape: LayerShape, batch: int, steps: int) -> Callable[[], None]:
    ssd: Any = importlib.import_module("mamba_ssm.ops.triton.ssd_combined")
    options = {"device": "cuda", "dtype": torch.bfloat16, "requires_grad": True}
    x = torch.randn(batch, steps, shape.heads, shape.headdim, **options)
    dt = torch.randn(batch, steps, shape.heads, **options)
    b, c = (torch.randn(batch, steps, shape.ngroups, shape.d_state, **options) for _ in range(2))
    decay = -torch.rand(shape.heads, device="cuda") - 1

    def run() -> None:
        y = ssd.mamba_chunk_scan_combined(x, dt, decay, b, c, shape.chunk_size, dt_softplus=True)
        y.backward(y.detach())

    return run


def _layer(torch: Any, shape: LayerShape, batch: int, steps: int, mixed: bool) -> Callable[[], None]:
    mamba_ssm: Any = importlib.import_module("mamba_ssm")
    module = mamba_ssm.Mamba2(**asdict(shape)).cuda()
    u = torch.randn(batch, steps, shape.d_model, device="cuda", requires_grad=True)

    def run() -> None:
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=mixed):
            y = module(u)
        y.backward(y.detach())

    return run


def _time(torch: Any, run: Callable[[], None]) -> float:
    for _ in range(3):
        run()
    seconds: list[float] = []
    for _ in range(REPEATS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        seconds.append(start.elapsed_time(end) / 1000)
    return median(seconds)
