"""The references beside another implementation, and the measurement beside operators that are right, wrong and lazy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from bgb.config import MambaConfig
from bgb.model.ssd import Mamba2
from envcheck.facts.kernel_numerics import TensorError
from envcheck.kernel_shapes import LayerShape
from envcheck.numerics import Operator, Tensors, mamba2, measure, operators, relative_error

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
SHAPE = LayerShape(d_model=32, d_state=8, headdim=16, chunk_size=16)
OPERATORS = {f"{item.name}, {item.case}": item for item in operators(SHAPE, batch=2, steps=40)}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class _Broken(torch.autograd.Function):
    """The same forward, NaN backward."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * math.nan


break_gradient: Callable[[Tensor], Tensor] = _Broken.apply


def errors_of(operator: Operator, compute: Callable[[Tensors], Tensor], dtype: torch.dtype) -> list[TensorError]:
    generator = torch.Generator().manual_seed(1)
    return list(measure(replace(operator, compiled=lambda _: compute), dtype, "cpu", generator))


def in_float32(operator: Operator) -> Callable[[Tensors], Tensor]:
    return lambda tensors: operator.reference({name: value.float() for name, value in tensors.items()})


def test_every_operator_is_measured_at_batch_1_at_odd_lengths_and_every_width() -> None:
    names = " | ".join(OPERATORS)
    for word in ("causal_conv1d_fn", "mamba_chunk_scan_combined", "selective_scan_fn", "Mamba2"):
        assert word in names
    for width in (2, 3, 4):
        assert f"width {width}" in names
    assert "batch 1, 1 steps" in names
    assert "37 steps" in names


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_computation_in_float32_is_as_near_as_its_type(name: str, dtype: torch.dtype) -> None:
    operator = OPERATORS[name]
    found = errors_of(operator, in_float32(operator), dtype)
    assert {error.tensor for error in found} == {"output", *(f"d{name}" for name in operator.inputs(torch.Generator()))}
    assert all(error.finite for error in found)
    assert (
        max(error.relative_error for error in found) < 2 * torch.finfo(dtype).eps + 1e-5
    )  # the computation, beside the type


def test_a_term_that_is_left_out_shows_in_the_output_and_in_its_gradient() -> None:
    scan = next(item for item in OPERATORS.values() if item.name == "mamba_chunk_scan_combined")
    found = errors_of(scan, lambda t: scan.reference({**t, "D": t["D"] * 0}), torch.float32)
    errors = {error.tensor: error.relative_error for error in found}
    assert errors["output"] > 0.1
    assert errors["dD"] > 0.1
    assert errors["dB"] < 1e-5


def test_a_nan_in_one_gradient_is_not_finite_though_the_output_is_right() -> None:
    scan = next(item for item in OPERATORS.values() if item.name == "mamba_chunk_scan_combined")

    def broken(tensors: Tensors) -> Tensor:
        return scan.reference({**tensors, "dt": break_gradient(tensors["dt"])})

    found = {error.tensor: error for error in errors_of(scan, broken, torch.float32)}
    assert found["output"].relative_error < 1e-5
    assert not found["ddt"].finite
    assert found["ddt"].relative_error == math.inf


class _Allocator:
    """Hands out what was freed last of the same size, as torch does on a GPU; never used memory is 0."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.freed: dict[int, list[Tensor]] = {}
        full = torch.full

        def remembering(size: tuple[int], *args: Any, **options: Any) -> Tensor:
            block = full(size, *args, **options)
            self.freed.setdefault(block.numel(), []).append(block)
            return block

        monkeypatch.setattr(torch, "full", remembering)

    def empty_like(self, value: Tensor) -> Tensor:
        blocks = self.freed.get(value.numel())
        return blocks.pop().to(value.dtype).view_as(value) if blocks else torch.zeros_like(value)


@pytest.mark.parametrize("lazy", ["forward", "backward"])
def test_what_an_operator_leaves_unwritten_is_seen(monkeypatch: pytest.MonkeyPatch, lazy: str) -> None:
    """It takes memory for its output or a gradient and does not write the last row, where the right value is 0."""
    memory = _Allocator(monkeypatch)

    class Lazy(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return fill(x, lazy == "forward")

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return fill(gradient, lazy == "backward")

    def fill(value: Tensor, leave: bool) -> Tensor:
        out = memory.empty_like(value) if leave else torch.zeros_like(value)
        out[:, :-1] = value[:, :-1]
        return out

    def keep(t: Tensors) -> Tensor:
        return torch.cat([t["x"][:, :-1], torch.zeros_like(t["x"][:, -1:])], dim=1)

    compute: Callable[[Tensor], Tensor] = Lazy.apply
    operator = Operator(
        name="lazy",
        case="",
        inputs=lambda generator: {"x": torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)},
        reference=keep,
        compiled=lambda _: lambda t: compute(t["x"]),
        exact=frozenset(),
    )
    found = measure(operator, torch.float32, "cpu", torch.Generator().manual_seed(1))
    finite = {error.tensor: error.finite for error in found}
    assert finite == {"output": lazy == "backward", "dx": lazy == "forward"}


def test_a_gradient_that_is_exactly_zero_is_measured_by_its_own_size() -> None:
    """That of A over one step: a rounding error is no infinite one, and a wrong value still shows."""
    zero = torch.zeros(4, dtype=torch.float64)
    assert relative_error(torch.full((4,), 1e-9), zero) == pytest.approx(1e-9)
    assert relative_error(torch.ones(4), zero) == pytest.approx(1)
    assert relative_error(torch.zeros(4), zero) == 0


def test_what_is_not_there_or_of_another_shape_is_infinitely_wrong() -> None:
    assert relative_error(None, torch.ones(2)) == math.inf
    assert relative_error(torch.ones(3), torch.ones(2)) == math.inf
    assert relative_error(torch.ones(2), torch.ones(2)) == 0


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("steps", [1, 16, 37])
def test_the_reference_layer_is_the_layer_that_this_project_trains(steps: int, groups: int) -> None:
    """Two implementations that share no line: the recurrence here, the matrices by chunks there."""
    shape = replace(SHAPE, ngroups=groups)
    config = MambaConfig(kernel="reference", layers=1, **asdict(shape))
    torch.manual_seed(5)
    layer = Mamba2(config).double()
    given = {name: value.detach() for name, value in layer.named_parameters()}
    u = torch.randn(2, steps, 32, dtype=torch.float64)
    torch.testing.assert_close(mamba2({"u": u, **given}, shape), layer(u), rtol=1e-3, atol=1e-6)
