"""Bidirectional Mamba-2 layers over one of three named kernels. One that cannot load is an error, never another one."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from bgb.config import MambaConfig
from bgb.errors import ConfigError
from bgb.model.shapes import coerced
from bgb.model.ssd import Mamba2


class CausalConv(nn.Module):
    """The stand-in that the origin project fell back to without a word: a depthwise convolution over d_conv steps."""

    def __init__(self, config: MambaConfig) -> None:
        super().__init__()
        self.memory = config.d_conv - 1
        self.conv = nn.Conv1d(config.d_model, config.d_model, config.d_conv, groups=config.d_model)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, length, d_model) to the same."""
        convolved: Tensor = self.conv(F.pad(x.transpose(1, 2), (self.memory, 0)))
        return convolved.transpose(1, 2)


def _cuda_kernel(config: MambaConfig) -> nn.Module:
    try:
        # mamba_ssm 2.2.2 hides a causal_conv1d that does not load until the first step (state-spaces/mamba#467).
        import causal_conv1d  # noqa: F401
        from mamba_ssm import Mamba2 as FusedMamba2
    except ImportError as error:
        raise ConfigError(
            f"model.mamba.kernel is cuda, but mamba_ssm cannot be imported: {error}; "
            "install the extra 'gpu' on a machine with the CUDA toolkit, or name another kernel in the configuration"
        ) from error
    config, _ = coerced(config)
    kernel: nn.Module = FusedMamba2(
        d_model=config.d_model,
        d_state=config.d_state,
        d_conv=config.d_conv,
        expand=config.expand,
        headdim=config.headdim,
        ngroups=config.ngroups,
        chunk_size=config.chunk_size,
    )
    return kernel


KERNELS: dict[str, Callable[[MambaConfig], nn.Module]] = {
    "cuda": _cuda_kernel,
    "reference": Mamba2,
    "conv1d": CausalConv,
}
"""How to make a causal layer, (batch, length, d_model) to the same, by the name in the configuration."""


class BidirectionalLayer(nn.Module):
    """Adds what one causal kernel says of the past and another, run backwards, of the future."""

    def __init__(self, config: MambaConfig) -> None:
        super().__init__()
        build = KERNELS[config.kernel]
        self.norm = nn.LayerNorm(config.d_model)
        self.past = build(config)
        self.future = build(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, length, d_model) to the same."""
        normed = self.norm(x)
        seen: Tensor = self.past(normed) + self.future(normed.flip(1)).flip(1)
        added: Tensor = x + self.dropout(seen)
        return added
