"""Mamba-2 in plain PyTorch: the structured state-space duality of Dao & Gu 2024, arXiv:2405.21060.

`Mamba2` has the parameters of `mamba_ssm.Mamba2` under the same names, so a checkpoint moves between the two. The scan
runs a chunk at a time: within a chunk as a masked matrix product, between chunks through one state per chunk.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bgb.config import MambaConfig
from bgb.model.shapes import conv_width, inner_width, projection_width

DECAY_RANGE = (1.0, 16.0)
STEP_RANGE = (1e-3, 1e-1)
"""Ranges from which -A and dt start, as in mamba_ssm 2.2.2."""
LONGEST_CHUNK = 64
"""Larger chunks suit the CUDA kernel; here 256 takes 4 to 7 times as long (benchmarks/ssd_scan.py)."""


def sequential_scan(x: Tensor, log_decay: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The recurrence itself, a step at a time: the definition that `chunked_scan` must equal.

    s[t] = exp(log_decay[t]) s[t-1] + b[t] x[t]ᵀ and y[t] = c[t] s[t]; x and y are (batch, length, heads, headdim),
    log_decay <= 0 is (batch, length, heads), b and c are (batch, length, groups, state): a group of heads shares them.
    """
    shared = x.shape[2] // b.shape[2]
    b, c = b.repeat_interleave(shared, dim=2), c.repeat_interleave(shared, dim=2)
    state = x.new_zeros(x.shape[0], x.shape[2], b.shape[3], x.shape[3])
    steps = []
    for t in range(x.shape[1]):
        state = log_decay[:, t, :, None, None].exp() * state + b[:, t, :, :, None] * x[:, t, :, None, :]
        steps.append(torch.einsum("bhn,bhnp->bhp", c[:, t], state))
    return torch.stack(steps, dim=1)


def chunked_scan(x: Tensor, log_decay: Tensor, b: Tensor, c: Tensor, chunk_size: int = LONGEST_CHUNK) -> Tensor:
    """The same as `sequential_scan`, `chunk_size` steps at a time; the result does not depend on `chunk_size`."""
    length, heads, size = x.shape[1], x.shape[2], min(chunk_size, x.shape[1])
    x, b, c = _chunks(x, size), _chunks(b, size), _chunks(c, size)
    # Decays are differences of these sums; float32 sums over 256 steps are off by 1e-5, and so would the decays be.
    elapsed = _chunks(log_decay.unsqueeze(-1), size).squeeze(-1).double().cumsum(-1)
    end = elapsed[..., -1]

    into_state = _per_head(b, heads) * (end.unsqueeze(-1) - elapsed).exp().to(x.dtype).unsqueeze(-1)
    added = into_state.mT @ x
    after = _decay_between(end.cumsum(-1), x.dtype).tril() @ added.flatten(3)
    before = F.pad(after[:, :, :-1], (0, 0, 1, 0)).view_as(added)
    out_of_state = _per_head(c, heads) * elapsed.exp().to(x.dtype).unsqueeze(-1)

    within = (_per_head((c @ b.mT).tril(), heads) * _decay_between(elapsed, x.dtype)) @ x
    # One fused product and sum: a tenth off the whole scan.
    y = torch.baddbmm(within.flatten(0, 2), out_of_state.flatten(0, 2), before.flatten(0, 2)).view_as(x)
    return y.flatten(2, 3)[:, :, :length].transpose(1, 2)


def _chunks(tensor: Tensor, size: int) -> Tensor:
    """(batch, length, heads, n) to (batch, heads, chunks, size, n); the zeros that fill the last one change nothing."""
    batch, length, heads, width = tensor.shape
    padded = F.pad(tensor.transpose(1, 2), (0, 0, 0, -length % size))
    return padded.reshape(batch, heads, -1, size, width)


def _per_head(tensor: Tensor, heads: int) -> Tensor:
    """(batch, groups, ...) to (batch, heads, ...): neighbouring heads share a group."""
    groups = tensor.shape[1]
    return tensor.unsqueeze(2).expand(-1, -1, heads // groups, *tensor.shape[2:]).flatten(1, 2)


def _decay_between(elapsed: Tensor, dtype: torch.dtype) -> Tensor:
    """(..., size) sums of log decay to (..., size, size): how much of step j is left at step i >= j, and 1 before.

    What lies before is clamped ahead of the exponential: after it, infinity times zero would be NaN in the gradient.
    """
    return (elapsed.unsqueeze(-1) - elapsed.unsqueeze(-2)).to(dtype).clamp_(max=0).exp_()


class GatedRMSNorm(nn.Module):
    """RMS norm, within each group of channels, of the input times silu of the gate."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.groups = groups
        self.epsilon = 1e-5

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """(..., width) and the same to float32 (..., width)."""
        gated = x.float() * F.silu(gate.float())
        grouped = gated.view(*gated.shape[:-1], self.groups, -1)
        scale = (grouped.square().mean(-1, keepdim=True) + self.epsilon).rsqrt()
        return (grouped * scale).view_as(gated) * self.weight


class Mamba2(nn.Module):
    """One causal Mamba-2 layer: (batch, length, d_model) to the same."""

    def __init__(self, config: MambaConfig) -> None:
        super().__init__()
        self.config = config
        inner, width = inner_width(config), conv_width(config)
        heads = inner // config.headdim
        self.in_proj = nn.Linear(config.d_model, projection_width(config), bias=False)
        self.conv1d = nn.Conv1d(width, width, config.d_conv, groups=width, padding=config.d_conv - 1)
        self.dt_bias = nn.Parameter(_inverse_softplus(torch.empty(heads).uniform_(*map(math.log, STEP_RANGE)).exp()))
        self.A_log = nn.Parameter(torch.empty(heads).uniform_(*DECAY_RANGE).log())
        self.D = nn.Parameter(torch.ones(heads))
        self.norm = GatedRMSNorm(inner, config.ngroups)
        self.out_proj = nn.Linear(inner, config.d_model, bias=False)

    def forward(self, u: Tensor) -> Tensor:
        """(batch, length, d_model) to the same; the scan runs in float32 whatever autocast says."""
        inner, width = inner_width(self.config), conv_width(self.config)
        gate, xbc, dt = torch.split(self.in_proj(u), [inner, width, len(self.D)], dim=-1)
        mixed = self.conv1d(xbc.transpose(1, 2))[..., : u.shape[1]].transpose(1, 2)
        # Contiguous: with a gradient in another order than its operand, convolution and silu take 1.7 times as long.
        xbc = F.silu(mixed.contiguous())
        with torch.autocast(u.device.type, enabled=False):
            y = self.norm(self._scan(xbc.float(), dt.float()), gate)
        projected: Tensor = self.out_proj(y)
        return projected

    def _scan(self, xbc: Tensor, dt: Tensor) -> Tensor:
        config, heads = self.config, len(self.D)
        shared = config.ngroups * config.d_state
        x, b, c = torch.split(xbc, [inner_width(config), shared, shared], dim=-1)
        x = x.reshape(*dt.shape, config.headdim)
        b, c = (part.reshape(*dt.shape[:2], config.ngroups, config.d_state) for part in (b, c))
        dt = F.softplus(dt + self.dt_bias)
        log_decay = -dt * self.A_log.exp()
        chunk_size = min(config.chunk_size, LONGEST_CHUNK)
        y = chunked_scan(x * dt.unsqueeze(-1), log_decay, b, c, chunk_size)
        return (y + x * self.D.view(heads, 1)).flatten(-2)


def _inverse_softplus(y: Tensor) -> Tensor:
    return y + (-torch.expm1(-y)).log()
