"""How far the compiled operators are from float64, forward and backward, on the GPU that is here."""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from envcheck.core import Fact, Tier
from envcheck.kernel_shapes import LayerShape
from envcheck.redact import redact

DTYPES = ("float32", "float16", "bfloat16")


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorError:
    """One output or gradient beside its reference."""

    operator: str
    case: str
    dtype: str
    tensor: str
    """`output`, or `d` and the input that it is the gradient of."""
    relative_error: float
    """Norm of the difference over the norm of the reference; 1e30 where it is not a number."""
    finite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelNumerics(Fact):
    """Every tensor of every operator at the model's shapes, and at those that break kernels."""

    key: ClassVar[str] = "kernel_numerics"
    tier: ClassVar[Tier] = Tier.DEEP
    timeout_seconds: ClassVar[float] = 600.0
    alone: ClassVar[bool] = True

    device: str | None
    """The GPU that computed; None: there was none."""
    seed: int
    """Of the inputs, drawn anew for each look."""
    errors: tuple[TensorError, ...] = ()
    problem: str | None = None
    """What stopped the measurement, as `operator, case, type: error`."""

    @classmethod
    def observe(  # noqa: PLR0913 - each is named
        cls,
        *,
        layer: Mapping[str, int] | None = None,
        batch: int = 2,
        steps: int = 960,
        dtypes: Sequence[str] = DTYPES,
        seed: int | None = None,
        device: str = "cuda",
    ) -> Self:
        """Run each operator in each type; the first that cannot run ends it."""
        seed = secrets.randbits(32) if seed is None else seed
        torch: Any = importlib.import_module("torch")
        if device == "cuda" and not torch.cuda.is_available():
            return cls(device=None, seed=seed, problem="torch sees no CUDA device")
        name = torch.cuda.get_device_name() if device == "cuda" else device
        numerics: Any = importlib.import_module("envcheck.numerics")
        generator = torch.Generator().manual_seed(seed)
        errors: list[TensorError] = []
        for operator in numerics.operators(LayerShape(**dict(layer or {})), batch, steps):
            for dtype in dtypes:
                try:
                    errors += numerics.measure(operator, getattr(torch, dtype), device, generator)
                except Exception as error:  # those of Triton's compiler have no base of their own
                    what = f"{operator.name}, {operator.case}, {dtype}: {type(error).__name__}: {error}"
                    return cls(device=name, seed=seed, errors=tuple(map(_finite, errors)), problem=redact(what)[:1000])
        return cls(device=name, seed=seed, errors=tuple(map(_finite, errors)))


def _finite(error: TensorError) -> TensorError:
    """JSON has no infinity."""
    if error.relative_error <= 1e30:
        return error
    return TensorError(
        operator=error.operator,
        case=error.case,
        dtype=error.dtype,
        tensor=error.tensor,
        relative_error=1e30,
        finite=error.finite,
    )
