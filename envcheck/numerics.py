"""Compiled operators beside float64 on the CPU, forward and backward, on fresh random inputs.

The references are the recurrences of the papers (Mamba, arXiv:2312.00752; Mamba-2, arXiv:2405.21060) step by step, with
nothing of the code that they are compared with. Inputs are rounded to the type that is measured before both sides see
them, so that what differs is the computation.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from envcheck.facts.kernel_numerics import TensorError
from envcheck.kernel_shapes import LayerShape

Tensors: TypeAlias = Mapping[str, Tensor]
Compute: TypeAlias = Callable[[Tensors], Tensor]

LONGEST = 1024
"""Steps that the references are run for: they go one by one, and a chunked scan errs no more in the next thousand."""
AGAIN = 4
"""Roundings above which an error is measured again; the median of 120 draws is 1 to 1.3 of them in every tensor."""
DRAWS = 4
EPSILON = 1e-5  # of the gated norm in mamba_ssm.Mamba2


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator at one shape. `inputs` are float64 on the CPU; those in `exact` stay float32 in every type."""

    name: str
    case: str
    inputs: Callable[[torch.Generator], dict[str, Tensor]]
    reference: Compute
    compiled: Callable[[torch.dtype], Compute]
    exact: frozenset[str]


def measure(operator: Operator, dtype: torch.dtype, device: str, generator: torch.Generator) -> Iterator[TensorError]:
    """The error of the output and of every gradient against float64.

    The gradient of a parameter of each head is a sum over all steps whose parts can cancel; what is left is then small
    beside the rounding of the parts. An error over `AGAIN` roundings is therefore measured again with fresh inputs, and
    the draws count together: a wrong kernel is as wrong in their sum, an unlucky draw is not.
    """
    rounding = max(torch.finfo(dtype).eps, torch.finfo(torch.float16).eps)  # float32 is multiplied as TF32
    total: dict[str, _Difference] = {}
    for _ in range(DRAWS):
        for name, (found, expected) in _outputs_and_gradients(operator, dtype, device, generator):
            total[name] = total.get(name, _Difference()) + _Difference.between(found, expected)
        if all(difference.relative < AGAIN * rounding or not difference.finite for difference in total.values()):
            break
    for name, difference in total.items():
        yield TensorError(
            operator=operator.name,
            case=operator.case,
            dtype=str(dtype).removeprefix("torch."),
            tensor=name,
            relative_error=difference.relative,
            finite=difference.finite,
        )


def _outputs_and_gradients(
    operator: Operator, dtype: torch.dtype, device: str, generator: torch.Generator
) -> Iterator[tuple[str, tuple[Tensor | None, Tensor | None]]]:
    """Each tensor as it was computed and its reference, of one draw of the inputs."""
    given = {}
    for name, value in operator.inputs(generator).items():
        kept = torch.float32 if name in operator.exact else dtype
        given[name] = value.to(kept)
    wide = {name: value.double().requires_grad_() for name, value in given.items()}
    expected = operator.reference(wide)
    cotangent = torch.randn(expected.shape, generator=generator, dtype=torch.float64).to(dtype)
    torch.autograd.backward(expected, cotangent.double())
    narrow = {name: value.to(device).requires_grad_() for name, value in given.items()}
    compute = operator.compiled(dtype)
    poison(narrow, device)
    found = compute(narrow)
    pulled = cotangent.to(device=device, dtype=found.dtype)
    poison(narrow, device)
    torch.autograd.backward(found, pulled)
    yield "output", (found, expected)
    for name in given:
        yield f"d{name}", (narrow[name].grad, wide[name].grad)


@dataclass(frozen=True, slots=True)
class _Difference:
    """Squared norms of a difference and of its reference, which add up over draws."""

    difference: float = 0.0
    reference: float = 0.0
    finite: bool = True

    @classmethod
    def between(cls, found: Tensor | None, reference: Tensor | None) -> _Difference:
        """Not finite where there is nothing to compare.

        The gradient of A over a single step is exactly 0; there the difference of an element stands for itself.
        """
        if found is None or reference is None:
            return cls(math.inf, 1.0, finite=False)
        finite = bool(found.isfinite().all())
        size = float(reference.detach().square().sum()) or float(reference.numel())
        if found.shape != reference.shape:
            return cls(math.inf, size, finite=finite)
        return cls(float((found.detach().cpu().double() - reference.detach()).square().sum()), size, finite=finite)

    def __add__(self, other: _Difference) -> _Difference:
        return _Difference(
            self.difference + other.difference, self.reference + other.reference, self.finite and other.finite
        )

    @property
    def relative(self) -> float:
        """Norm of the difference over the norm of the reference; infinite where it is no number."""
        error = math.sqrt(self.difference / self.reference) if self.difference >= 0 else math.inf
        return error if math.isfinite(error) else math.inf


def relative_error(found: Tensor | None, reference: Tensor | None) -> float:
    """Norm of the difference over the norm of the reference; infinite where there is nothing to compare, or NaN."""
    return _Difference.between(found, reference).relative


def poison(tensors: Tensors, device: str) -> None:
    """Fill memory with NaN and free it, so that the allocator hands it out and what a kernel leaves unwritten shows.

    Held together until all is filled, or each would take the place of the one before. Outputs and gradients have the
    sizes of inputs; for what lies between, the allocator cuts small pieces off the MiBs and large ones off the rest.
    """
    held = [
        torch.full((value.numel(),), math.nan, device=device, dtype=dtype)
        for value in tensors.values()
        for dtype in (value.dtype, torch.float32)
    ]
    mib = 2**18
    held += [torch.full((mib,), math.nan, device=device) for _ in range(16)]
    held.append(torch.full((4 * sum(value.numel() for value in tensors.values()),), math.nan, device=device))
    held.clear()


def operators(shape: LayerShape, batch: int, steps: int) -> Iterator[Operator]:
    """What a model of this shape runs, with batch 1, lengths that no chunk divides, and every width."""
    longest = min(steps, LONGEST)
    odd = sorted({1, min(longest, shape.chunk_size + 37), max(1, longest - 3)})
    for width in (2, 3, 4):
        for size, length in ((1, longest), (min(batch, 2), odd[-1])):
            yield _conv(shape.conv_width, width, size, length)
    for size, length in ((min(batch, 2), longest), *((1, length) for length in odd)):
        yield _scan(shape, size, length)
    for size, length in ((1, longest), (min(batch, 2), odd[-1])):
        yield _selective(min(shape.d_inner, 128), shape.d_state, size, length)
        yield _layer(shape, size, length)


def _conv(channels: int, width: int, batch: int, steps: int) -> Operator:
    def inputs(generator: torch.Generator) -> dict[str, Tensor]:
        return {
            "x": _normal(generator, batch, steps, channels),
            "weight": _normal(generator, channels, width) / math.sqrt(width),
            "bias": _normal(generator, channels) / 10,
        }

    def compiled(dtype: torch.dtype) -> Compute:
        function: Any = importlib.import_module("causal_conv1d").causal_conv1d_fn
        # the layout of the Mamba2 layer: channels last in memory
        return lambda t: function(t["x"].transpose(1, 2), t["weight"], t["bias"], activation="silu").transpose(1, 2)

    case = f"batch {batch}, {steps} steps, {channels} channels, width {width}"
    return Operator(
        name="causal_conv1d_fn",
        case=case,
        inputs=inputs,
        reference=lambda t: convolve(t["x"], t["weight"], t["bias"]),
        compiled=compiled,
        exact=frozenset(),
    )


def _scan(shape: LayerShape, batch: int, steps: int) -> Operator:
    def inputs(generator: torch.Generator) -> dict[str, Tensor]:
        return {
            "x": _normal(generator, batch, steps, shape.heads, shape.headdim),
            "dt": _normal(generator, batch, steps, shape.heads) / 2,
            "A": _decay(generator, shape.heads),
            "B": _normal(generator, batch, steps, shape.ngroups, shape.d_state),
            "C": _normal(generator, batch, steps, shape.ngroups, shape.d_state),
            "D": _normal(generator, shape.heads),
            "dt_bias": _step_bias(generator, shape.heads),
        }

    def compiled(dtype: torch.dtype) -> Compute:
        function: Any = importlib.import_module("mamba_ssm.ops.triton.ssd_combined").mamba_chunk_scan_combined
        return lambda t: function(
            *(t[name] for name in ("x", "dt", "A", "B", "C")),
            shape.chunk_size,
            D=t["D"],
            dt_bias=t["dt_bias"],
            dt_softplus=True,
        )

    return Operator(
        name="mamba_chunk_scan_combined",
        case=f"batch {batch}, {steps} steps, {shape.heads} heads of {shape.headdim}, state {shape.d_state}",
        inputs=inputs,
        reference=scan,
        compiled=compiled,
        exact=frozenset({"A", "D", "dt_bias"}),
    )


def _selective(channels: int, state: int, batch: int, steps: int) -> Operator:
    def inputs(generator: torch.Generator) -> dict[str, Tensor]:
        return {
            "u": _normal(generator, batch, channels, steps),
            "delta": _normal(generator, batch, channels, steps) / 2,
            "A": _decay(generator, channels, state),
            "B": _normal(generator, batch, state, steps),
            "C": _normal(generator, batch, state, steps),
            "D": _normal(generator, channels),
            "z": _normal(generator, batch, channels, steps),
            "delta_bias": _step_bias(generator, channels),
        }

    def compiled(dtype: torch.dtype) -> Compute:
        module: Any = importlib.import_module("mamba_ssm.ops.selective_scan_interface")
        return lambda t: module.selective_scan_fn(
            *(t[name] for name in ("u", "delta", "A", "B", "C", "D", "z", "delta_bias")), delta_softplus=True
        )

    return Operator(
        name="selective_scan_fn",
        case=f"batch {batch}, {steps} steps, {channels} channels, state {state}",
        inputs=inputs,
        reference=selective_scan,
        compiled=compiled,
        exact=frozenset({"A", "D", "delta_bias"}),
    )


def _layer(shape: LayerShape, batch: int, steps: int) -> Operator:
    def inputs(generator: torch.Generator) -> dict[str, Tensor]:
        return {
            "u": _normal(generator, batch, steps, shape.d_model),
            "in_proj.weight": _normal(generator, shape.projection_width, shape.d_model) / math.sqrt(shape.d_model),
            "conv1d.weight": _normal(generator, shape.conv_width, 1, shape.d_conv) / math.sqrt(shape.d_conv),
            "conv1d.bias": _normal(generator, shape.conv_width) / 10,
            "A_log": (-_decay(generator, shape.heads)).log(),
            "D": _normal(generator, shape.heads),
            "dt_bias": _step_bias(generator, shape.heads),
            "norm.weight": 1 + _normal(generator, shape.d_inner) / 10,
            "out_proj.weight": _normal(generator, shape.d_model, shape.d_inner) / math.sqrt(shape.d_inner),
        }

    def compiled(dtype: torch.dtype) -> Compute:
        mamba_ssm: Any = importlib.import_module("mamba_ssm")
        functional_call: Any = importlib.import_module("torch.func").functional_call
        module = mamba_ssm.Mamba2(**asdict(shape))

        def run(tensors: Tensors) -> Tensor:
            values = dict(tensors)
            u = values.pop("u")
            with torch.autocast(u.device.type, dtype=dtype, enabled=dtype != torch.float32):
                found: Tensor = functional_call(module.to(u.device), values, (u,))
            return found

        return run

    return Operator(
        name="Mamba2",
        case=f"batch {batch}, {steps} steps, d_model {shape.d_model}",
        inputs=inputs,
        reference=lambda t: mamba2(t, shape),
        compiled=compiled,
        # as trained: parameters and input in float32, mixed precision inside
        exact=frozenset({"u", *_PARAMETERS}),
    )


_PARAMETERS = (
    *("in_proj.weight", "conv1d.weight", "conv1d.bias", "A_log"),
    *("D", "dt_bias", "norm.weight", "out_proj.weight"),
)


def convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Causal depthwise convolution and SiLU: x (batch, steps, channels), weight (channels, width)."""
    steps, width = x.shape[1], weight.shape[1]
    padded = F.pad(x, (0, 0, width - 1, 0))
    summed = bias + sum(padded[:, k : k + steps] * weight[:, k] for k in range(width))
    return F.silu(summed)


def scan(t: Tensors) -> Tensor:
    """h[t] = exp(dt A) h[t-1] + dt B x, y = C h + D x; x (batch, steps, heads, headdim), B, C (.., groups, state)."""
    x, heads = t["x"], t["x"].shape[2]
    b, c = (t[name].repeat_interleave(heads // t[name].shape[2], dim=2) for name in ("B", "C"))
    dt = F.softplus(t["dt"] + t["dt_bias"])
    state = x.new_zeros(x.shape[0], heads, x.shape[3], b.shape[3])
    outputs = []
    for step in range(x.shape[1]):
        decay = torch.exp(dt[:, step] * t["A"])[..., None, None]
        state = decay * state + (dt[:, step, :, None] * x[:, step])[..., None] * b[:, step, :, None, :]
        outputs.append((state * c[:, step, :, None, :]).sum(-1) + t["D"][:, None] * x[:, step])
    return torch.stack(outputs, dim=1)


def selective_scan(t: Tensors) -> Tensor:
    """The same with a state for each channel: u, delta, z (batch, channels, steps), A (channels, state)."""
    delta = F.softplus(t["delta"] + t["delta_bias"][:, None])
    state = t["u"].new_zeros(*t["u"].shape[:2], t["A"].shape[1])
    outputs = []
    for step in range(t["u"].shape[2]):
        width = delta[..., step, None]
        state = torch.exp(width * t["A"]) * state + width * t["u"][..., step, None] * t["B"][:, None, :, step]
        outputs.append((state * t["C"][:, None, :, step]).sum(-1) + t["D"] * t["u"][..., step])
    return torch.stack(outputs, dim=2) * F.silu(t["z"])


def mamba2(t: Tensors, shape: LayerShape) -> Tensor:
    """The whole layer: projection, convolution, scan, gated RMS norm, projection; u (batch, steps, d_model)."""
    widths = [shape.d_inner, shape.conv_width, shape.heads]
    z, convolved, dt = torch.split(t["u"] @ t["in_proj.weight"].T, widths, dim=-1)
    convolved = convolve(convolved, t["conv1d.weight"][:, 0], t["conv1d.bias"])
    groups = shape.ngroups * shape.d_state
    x, b, c = torch.split(convolved, [shape.d_inner, groups, groups], dim=-1)
    y = scan(
        {
            "x": x.reshape(*x.shape[:2], shape.heads, shape.headdim),
            "dt": dt,
            "A": -t["A_log"].exp(),
            "B": b.reshape(*b.shape[:2], shape.ngroups, shape.d_state),
            "C": c.reshape(*c.shape[:2], shape.ngroups, shape.d_state),
            "D": t["D"],
            "dt_bias": t["dt_bias"],
        }
    )
    gated = (y.flatten(2) * F.silu(z)).reshape(*y.shape[:2], shape.ngroups, -1)  # each group is normed by itself
    normed = gated * torch.rsqrt(gated.square().mean(-1, keepdim=True) + EPSILON)
    return (normed.flatten(2) * t["norm.weight"]) @ t["out_proj.weight"].T


def _normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def _uniform(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def _decay(generator: torch.Generator, *shape: int) -> Tensor:
    """A as mamba_ssm initialises it: -1 to -16."""
    return -(1 + 15 * _uniform(generator, *shape))


def _step_bias(generator: torch.Generator, *shape: int) -> Tensor:
    """The inverse softplus of steps between 0.001 and 0.1, as mamba_ssm initialises it."""
    step = torch.exp(_uniform(generator, *shape) * math.log(100) + math.log(0.001))
    return step + torch.log(-torch.expm1(-step))
