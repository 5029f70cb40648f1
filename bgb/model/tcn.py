"""Temporal convolutions: 256 Hz down to 16 steps a second for the Mamba layers, and back to a logit per sample."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from bgb.config import EncoderConfig


class ChannelNorm(nn.Module):
    """Layer norm of each time step over its channels.

    A statistic over the window would depend on its padding and on whatever else the window holds.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, steps) to the same."""
        normed: Tensor = self.norm(x.transpose(1, 2))
        return normed.transpose(1, 2).contiguous()


class EncoderStage(nn.Module):
    """Halves the rate, then adds what a dilated convolution sees around each step.

    Only what is added is normed: how strong the signal is stays in what it is added to.
    """

    def __init__(self, inputs: int, outputs: int, config: EncoderConfig) -> None:
        super().__init__()
        kernel_size = config.kernel_size
        self.down = nn.Conv1d(inputs, outputs, kernel_size, stride=2, padding=kernel_size // 2)
        self.norm = ChannelNorm(outputs)
        self.around = nn.Conv1d(outputs, outputs, kernel_size, dilation=2, padding=kernel_size - 1)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, steps) to (batch, outputs, steps / 2)."""
        x = self.down(x)
        around: Tensor = self.dropout(self.around(F.silu(self.norm(x))))
        return x + around


class Encoder(nn.Module):
    """(batch, inputs, samples) to (batch, d_model, samples / 16)."""

    def __init__(self, config: EncoderConfig, inputs: int, d_model: int) -> None:
        super().__init__()
        widths = (inputs, *config.channels)
        self.stages = nn.Sequential(*(EncoderStage(before, after, config) for before, after in pairwise(widths)))
        self.project = nn.Conv1d(widths[-1], d_model, 1)
        for stage in self.stages:
            # torch's default takes a third of the variance: after four stages, how strong a signal is would be lost.
            nn.init.kaiming_normal_(stage.down.weight, nonlinearity="linear")

    def forward(self, x: Tensor) -> Tensor:
        projected: Tensor = self.project(F.silu(self.stages(x)))
        return projected


class DecoderStage(nn.Module):
    """Doubles the rate: (batch, inputs, steps) to (batch, outputs, steps * 2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        # A kernel of twice the stride covers every output step equally often, so it leaves no comb in the logits.
        self.up = nn.ConvTranspose1d(inputs, outputs, kernel_size=4, stride=2, padding=1)
        self.norm = ChannelNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.norm(self.up(x)))


class Decoder(nn.Module):
    """(batch, d_model, steps) to logits (batch, steps * 16), which start near zero whatever the input."""

    def __init__(self, config: EncoderConfig, d_model: int) -> None:
        super().__init__()
        widths = (d_model, *reversed(config.channels[:-1]))
        self.stages = nn.Sequential(*(DecoderStage(before, after) for before, after in pairwise(widths)))
        self.head = nn.ConvTranspose1d(widths[-1], 1, kernel_size=4, stride=2, padding=1)
        for parameter in self.head.parameters():
            nn.init.normal_(parameter, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.stages(x))
        return logits.squeeze(1)
