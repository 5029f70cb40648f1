"""The chunked scan is the recurrence, and `Mamba2` is mamba_ssm's layer in plain PyTorch."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bgb.config import MambaConfig
from bgb.model.ssd import Mamba2, chunked_scan, sequential_scan

shapes = st.fixed_dictionaries(
    {
        "batch": st.integers(1, 3),
        "length": st.integers(1, 40),
        "groups": st.sampled_from([1, 2, 3]),
        "shared": st.sampled_from([1, 2]),
        "headdim": st.sampled_from([1, 4, 7]),
        "state": st.sampled_from([1, 3, 8]),
        "strength": st.sampled_from([0.0, 0.05, 1.0, 30.0]),
    }
)


def scan_inputs(
    batch: int, length: int, groups: int, shared: int, headdim: int, state: int, strength: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    heads = groups * shared
    return (
        torch.randn(batch, length, heads, headdim).requires_grad_(),
        (-strength * torch.rand(batch, length, heads)).requires_grad_(),
        (torch.randn(batch, length, groups, state) / state**0.5).requires_grad_(),
        (torch.randn(batch, length, groups, state) / state**0.5).requires_grad_(),
    )


def gap(found: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest value where that exceeds 1."""
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1))


@settings(max_examples=25, deadline=None)
@given(shape=shapes, chunk_size=st.integers(1, 50), seed=st.integers(0, 1000))
def test_the_chunked_scan_equals_the_recurrence_and_so_do_its_gradients(
    shape: dict[str, int], chunk_size: int, seed: int
) -> None:
    torch.manual_seed(seed)
    inputs = scan_inputs(**shape)

    chunked, stepped = chunked_scan(*inputs, chunk_size), sequential_scan(*inputs)
    weights = torch.randn_like(stepped)
    gradients = torch.autograd.grad(chunked, inputs, weights)
    expected = torch.autograd.grad(stepped, inputs, weights)

    assert gap(chunked, stepped) < 1e-5
    assert max(map(gap, gradients, expected)) < 1e-5


def test_a_thousand_steps_stay_within_1e_5_of_the_recurrence_in_float64() -> None:
    torch.manual_seed(0)
    inputs = scan_inputs(batch=1, length=1000, groups=1, shared=4, headdim=8, state=16, strength=1.6)
    x, log_decay, b, c = (tensor.double() for tensor in inputs)
    exact = sequential_scan(x, log_decay, b, c)

    assert exact.abs().max() < 20
    assert (chunked_scan(*inputs, 256) - exact).abs().max() < 1e-5


def test_decays_beyond_the_range_of_float32_give_neither_infinity_nor_nan() -> None:
    torch.manual_seed(0)
    inputs = scan_inputs(batch=1, length=70, groups=1, shared=2, headdim=4, state=4, strength=1e6)

    y = chunked_scan(*inputs, 32)
    gradients = torch.autograd.grad(y.sum(), inputs)

    assert all(bool(tensor.isfinite().all()) for tensor in (y, *gradients))


def mamba2(**changes: int) -> Mamba2:
    config = {"d_model": 16, "d_state": 5, "headdim": 8, "ngroups": 2, "chunk_size": 8, **changes}
    torch.manual_seed(0)
    return Mamba2(MambaConfig.model_validate({"kernel": "reference", **config}))


def layer_step_by_step(layer: Mamba2, u: Tensor) -> Tensor:
    """Mamba-2 as the paper states it, a time step, a head and a tap at a time; u is (length, d_model)."""
    config, heads = layer.config, len(layer.D)
    inner, shared = heads * config.headdim, config.ngroups * config.d_state
    projected = u @ layer.in_proj.weight.T
    z, xbc, dt = projected[:, :inner], projected[:, inner : 2 * inner + 2 * shared], projected[:, -heads:]
    taps = layer.conv1d.weight[:, 0]
    states = torch.zeros(heads, config.d_state, config.headdim)
    outputs = []
    for t in range(len(u)):
        past = [xbc[t - lag] * taps[:, -1 - lag] for lag in range(config.d_conv) if t >= lag]
        assert layer.conv1d.bias is not None
        mixed = F.silu(torch.stack(past).sum(0) + layer.conv1d.bias)
        x = mixed[:inner].view(heads, config.headdim)
        b, c = mixed[inner:].view(2, config.ngroups, config.d_state)
        y = torch.empty(heads, config.headdim)
        for head in range(heads):
            group = head * config.ngroups // heads
            step = F.softplus(dt[t, head] + layer.dt_bias[head])
            decay = torch.exp(-step * layer.A_log[head].exp())
            states[head] = decay * states[head] + step * torch.outer(b[group], x[head])
            y[head] = c[group] @ states[head] + layer.D[head] * x[head]
        gated = (y.flatten() * F.silu(z[t])).view(config.ngroups, -1)
        normed = gated / torch.sqrt(gated.square().mean(1, keepdim=True) + 1e-5)
        outputs.append(layer.out_proj.weight @ (normed.flatten() * layer.norm.weight))
    return torch.stack(outputs)


@pytest.mark.parametrize("changes", [{}, {"ngroups": 1}, {"ngroups": 4, "d_conv": 2, "expand": 4}])
@torch.no_grad()
def test_the_layer_is_what_the_paper_states(changes: dict[str, int]) -> None:
    layer = mamba2(**changes)
    layer.norm.weight.uniform_(0.5, 2)
    layer.D.uniform_(0.5, 2)
    u = torch.randn(2, 21, 16)

    expected = torch.stack([layer_step_by_step(layer, one) for one in u])

    assert (layer(u) - expected).abs().max() < 1e-5


@torch.no_grad()
def test_the_future_changes_nothing_before_it() -> None:
    layer, u = mamba2(), torch.randn(1, 30, 16)
    changed = u.clone()
    changed[:, 20:] += 1

    assert torch.equal(layer(u)[:, :20], layer(changed)[:, :20])
    assert not torch.equal(layer(u)[:, 20:], layer(changed)[:, 20:])


def test_the_parameters_are_those_of_mamba_ssm() -> None:
    """Names and shapes as `mamba_ssm.Mamba2(512, d_state=16, headdim=64).state_dict()` lists them in 2.2.2."""
    layer = Mamba2(MambaConfig(kernel="reference", d_model=512, d_state=16, headdim=64))

    assert {name: tuple(tensor.shape) for name, tensor in layer.state_dict().items()} == {
        "dt_bias": (16,),
        "A_log": (16,),
        "D": (16,),
        "in_proj.weight": (2096, 512),
        "conv1d.weight": (1056, 1, 4),
        "conv1d.bias": (1056,),
        "norm.weight": (1024,),
        "out_proj.weight": (512, 1024),
    }


@torch.no_grad()
def test_steps_and_decays_start_in_the_ranges_of_mamba_ssm() -> None:
    layer = mamba2(d_model=512)
    steps, rates = F.softplus(layer.dt_bias), layer.A_log.exp()

    assert 1e-3 <= steps.min() < 3e-3 < 3e-2 < steps.max() <= 0.1 + 1e-6
    assert 1 <= rates.min() < 2 < 15 < rates.max() <= 16
    assert torch.equal(layer.D, torch.ones(128))


def test_under_bf16_autocast_the_scan_stays_in_float32_and_gradients_are_finite() -> None:
    layer, u = mamba2(), torch.randn(2, 40, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(u)
    y.float().square().mean().backward()

    assert y.dtype == torch.bfloat16
    assert (y - layer(u)).abs().max() < 0.05
    assert all(
        p.grad is not None and p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in layer.parameters()
    )
