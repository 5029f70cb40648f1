"""Packages that answer as causal_conv1d and mamba_ssm do, on the CPU and with nothing of envcheck's references in them.

Their signatures are those of causal-conv1d 1.4.0 and mamba-ssm 2.2.2; a fault is what a broken build would compute.
"""

from __future__ import annotations

from pathlib import Path

CONV = """
import torch.nn.functional as F

def causal_conv1d_fn(x, weight, bias=None, seq_idx=None, initial_states=None, return_final_states=False,
                     final_states_out=None, activation=None):
    width = weight.shape[1]
    y = F.conv1d(x.float(), weight.float().unsqueeze(1), bias.float(), padding=width - 1, groups=weight.shape[0])
    y = y[..., : x.shape[-1]]
    if FAULT == "conv without bias":
        y = y - bias.float()[:, None]
    return (F.silu(y) if activation == "silu" else y).to(x.dtype)
"""

SELECTIVE = """
import torch
import torch.nn.functional as F

def selective_scan_fn(u, delta, A, B, C, D=None, z=None, delta_bias=None, delta_softplus=False,
                      return_last_state=False):
    given = u.dtype
    u, delta, B, C, z = (value.float() for value in (u, delta, B, C, z))
    delta = delta + delta_bias[:, None]
    delta = F.softplus(delta) if delta_softplus else delta
    state, ys = 0, []
    for at in range(u.shape[-1]):
        decay = torch.exp(torch.einsum("bd,dn->bdn", delta[..., at], A))
        state = decay * state + torch.einsum("bd,bn->bdn", delta[..., at] * u[..., at], B[..., at])
        ys.append(torch.einsum("bdn,bn->bd", state, C[..., at]))
    y = torch.stack(ys, -1) + D[:, None] * u
    return (y if FAULT == "selective scan without gate" else y * F.silu(z)).to(given)
"""

SCAN = """
import torch.nn.functional as F

from bgb.model.ssd import chunked_scan

def mamba_chunk_scan_combined(x, dt, A, B, C, chunk_size, D=None, z=None, dt_bias=None, initial_states=None,
                              seq_idx=None, cu_seqlens=None, dt_softplus=False, dt_limit=(0.0, float("inf")),
                              return_final_states=False, return_varlen_states=False):
    given, steps = x.dtype, x.shape[1]
    x, dt, B, C = (value.float() for value in (x, dt, B, C))
    dt = dt if dt_bias is None else dt + dt_bias
    dt = F.softplus(dt) if dt_softplus else dt
    y = chunked_scan(x * dt.unsqueeze(-1), dt * A, B, C, min(chunk_size, 16))
    y = y if D is None else y + x * D[:, None]
    y = y.to(given)
    if FAULT == "bfloat16 gradients of odd lengths" and str(given) == "torch.bfloat16" and steps % chunk_size:
        y.register_hook(lambda gradient: gradient * float("nan"))
    return y
"""

LAYER = """
from bgb.config import MambaConfig
from bgb.model.ssd import Mamba2 as _Layer

class Mamba2(_Layer):
    def __init__(self, d_model, d_state=128, d_conv=4, expand=2, headdim=64, ngroups=1, chunk_size=256):
        if FAULT == "out of memory":
            import torch
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        super().__init__(MambaConfig(kernel="reference", layers=1, d_model=d_model, d_state=d_state, d_conv=d_conv,
                                     expand=expand, headdim=headdim, ngroups=ngroups, chunk_size=chunk_size))

    def forward(self, u):
        y = super().forward(u)
        return y + u if FAULT == "layer with a way around it" else y
"""


def make_kernels(folder: Path, fault: str = "") -> Path:
    """Both packages in a folder for PYTHONPATH."""
    for path, text in {
        "causal_conv1d/__init__.py": CONV,
        "mamba_ssm/__init__.py": LAYER,
        "mamba_ssm/ops/__init__.py": "",
        "mamba_ssm/ops/selective_scan_interface.py": SELECTIVE,
        "mamba_ssm/ops/triton/__init__.py": "",
        "mamba_ssm/ops/triton/ssd_combined.py": SCAN,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"FAULT = {fault!r}\n{text}")
    return folder
