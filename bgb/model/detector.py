"""The seizure detector: an EEG window in, a logit per sample out."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from bgb.config import ModelConfig
from bgb.errors import ConfigError
from bgb.model.mamba import BidirectionalLayer
from bgb.model.shapes import STRIDE, check_shapes
from bgb.model.tcn import Decoder, Encoder

EEG_CHANNELS = 19


class Detector(nn.Module):
    """(batch, 19, samples) in units of sigma to logits (batch, samples)."""

    stride = STRIDE

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d_model = config.mamba.d_model
        self.encoder = Encoder(config.encoder, EEG_CHANNELS, d_model)
        self.layers = nn.Sequential(*(BidirectionalLayer(config.mamba) for _ in range(config.mamba.layers)))
        self.norm = nn.LayerNorm(d_model)
        self.decoder = Decoder(config.encoder, d_model)

    def forward(self, signal: Tensor) -> Tensor:
        """`ValueError` when the number of samples is not a multiple of 16."""
        if signal.shape[-1] % STRIDE:
            raise ValueError(f"a window of {signal.shape[-1]} samples; expected a multiple of {STRIDE}")
        steps = self.encoder(signal).transpose(1, 2)
        logits: Tensor = self.decoder(self.norm(self.layers(steps)).transpose(1, 2))
        return logits


def build_detector(config: ModelConfig) -> Detector:
    """The network that `config` describes, initialised from torch's generator; `ConfigError` when it cannot be."""
    if problems := check_shapes(config):
        raise ConfigError("\n".join(f"model: {problem}" for problem in problems))
    return Detector(config)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """Parameters of a detector, by part."""

    encoder: int
    mamba: int
    decoder: int

    @property
    def total(self) -> int:
        return self.encoder + self.mamba + self.decoder


def model_size(model: Detector) -> ModelSize:
    """How many parameters each part has."""
    return ModelSize(
        encoder=_parameters(model.encoder),
        mamba=_parameters(model.layers) + _parameters(model.norm),
        decoder=_parameters(model.decoder),
    )


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
