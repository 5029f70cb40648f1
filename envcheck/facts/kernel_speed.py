"""How long the scan and a training step take on the GPU that is here, in float32 and in mixed precision."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, ClassVar, Self

from envcheck.core import Fact, Tier
from envcheck.kernel_shapes import LayerShape
from envcheck.redact import redact

WARM_UP = 3
REPEATS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSpeed(Fact):
    """Medians of `REPEATS` passes, by the GPU's own clock."""

    key: ClassVar[str] = "kernel_speed"
    schema: ClassVar[int] = 2
    tier: ClassVar[Tier] = Tier.DEEP
    timeout_seconds: ClassVar[float] = 600.0
    ttl_seconds: ClassVar[float | None] = 1800.0
    alone: ClassVar[bool] = True

    device: str | None
    layer: dict[str, int]
    layers: int
    """In a training step, one after another."""
    batch: int
    steps: int
    scan_seconds: float | None = None
    """Forward and backward of one scan alone, in bfloat16."""
    float32_seconds: float | None = None
    """A training step in float32: forward, backward and optimizer."""
    mixed_seconds: float | None = None
    """The same under bfloat16 autocast."""
    problem: str | None = None

    @classmethod
    def observe(
        cls, *, layer: Mapping[str, int] | None = None, layers: int = 2, batch: int = 8, steps: int = 960
    ) -> Self:
        """Warm up, so that autotuning is over, then measure."""
        shape = LayerShape(**dict(layer or {}))
        torch: Any = importlib.import_module("torch")
        about: dict[str, Any] = {"layer": asdict(shape), "layers": layers, "batch": batch, "steps": steps}
        if not torch.cuda.is_available():
            return cls(device=None, problem="torch sees no CUDA device", **about)
        about["device"] = torch.cuda.get_device_name()
        try:
            scan = time_on_gpu(torch, _scan(torch, shape, batch, steps))
            stack = Stack(shape, layers, batch, steps)
            exact, mixed = (time_on_gpu(torch, stack.training_step(torch, mixed=mixed)) for mixed in (False, True))
        except Exception as error:  # those of Triton's compiler have no base of their own
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


@dataclass(frozen=True, slots=True)
class Stack:
    """Layers with a way around each, as they are trained."""

    shape: LayerShape
    layers: int
    batch: int
    steps: int

    def training_step(self, torch: Any, *, mixed: bool, device: str = "cuda") -> Callable[[], None]:
        """Forward, backward and optimizer, on fresh parameters."""
        mamba_ssm: Any = importlib.import_module("mamba_ssm")
        made = (mamba_ssm.Mamba2(**asdict(self.shape)) for _ in range(self.layers))
        stack = torch.nn.ModuleList(made).to(device)
        optimizer = torch.optim.AdamW(stack.parameters(), lr=1e-4)
        u = torch.randn(self.batch, self.steps, self.shape.d_model, device=device)

        def run() -> None:
            optimizer.zero_grad()
            with torch.autocast(device, dtype=torch.bfloat16, enabled=mixed):
                y = u
                for layer in stack:
                    y = y + layer(y)
            y.float().square().mean().backward()
            optimizer.step()

        return run


def time_on_gpu(torch: Any, run: Callable[[], None]) -> float:
    """Median seconds of a pass, between two events on the GPU's own clock."""
    for _ in range(WARM_UP):
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
