"""A trained network as it lies on disk, and whether it fits the run that wants to use it."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import nn

from bgb.config import ModelConfig, RunConfig, parse_config
from bgb.errors import CheckpointError, ConfigError
from bgb.model.detector import build_detector

Kernel: TypeAlias = Literal["cuda", "reference", "conv1d"]

_WEIGHTS_PREFIX = "detector."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A trained network and what it was trained by."""

    config: RunConfig
    signal_digest: str
    """Of the settings that made the signal it was trained on."""
    detector: nn.Module
    """On the CPU."""
    sha256: str


def load_checkpoint(path: Path, kernel: Kernel) -> Checkpoint:
    """The network in `path`, run by `kernel`; `CheckpointError` where the file is none or holds another network.

    `cuda` and `reference` are two ways to compute one network and share their weights; `conv1d` is another network.
    Nothing that the file holds is executed.
    """
    content = _read(path)
    config, signal_digest = _hyper_parameters(path, content)
    detector = build_detector(_with_kernel(path, config.model, kernel))
    weights = {
        name.removeprefix(_WEIGHTS_PREFIX): value
        for name, value in content["state_dict"].items()
        if name.startswith(_WEIGHTS_PREFIX)
    }
    try:
        detector.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: its weights are not those of the network it names: {error}") from error
    return Checkpoint(config=config, signal_digest=signal_digest, detector=detector, sha256=_sha256(path))


def trained_kernel(path: Path) -> Kernel:
    """Which implementation of the Mamba layers the network in `path` was trained with."""
    return _hyper_parameters(path, _read(path))[0].model.mamba.kernel


def _read(path: Path) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint; `bgb train` writes them to its run directory") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise CheckpointError(f"{path}: not a checkpoint that can be read: {reason}") from error
    if not isinstance(content, dict) or not isinstance(content.get("state_dict"), dict):
        raise CheckpointError(f"{path}: holds no weights; expected a checkpoint of `bgb train`")
    return content


def _hyper_parameters(path: Path, content: dict[str, Any]) -> tuple[RunConfig, str]:
    match content.get("hyper_parameters"):
        case {"config": dict(stored), "signal_digest": str(digest)}:
            pass
        case _:
            raise CheckpointError(f"{path}: does not say how it was trained; expected a checkpoint of `bgb train`")
    try:
        return parse_config(stored, path), digest
    except ConfigError as error:
        raise CheckpointError(f"{path}: its configuration is of another version: {error}") from error


def _with_kernel(path: Path, model: ModelConfig, kernel: Kernel) -> ModelConfig:
    trained = model.mamba.kernel
    if (trained == "conv1d") != (kernel == "conv1d"):
        raise CheckpointError(
            f"{path}: was trained with model.mamba.kernel {trained}; {kernel} is another network. "
            f"Set model.mamba.kernel to {'conv1d' if trained == 'conv1d' else 'cuda or reference'}"
        )
    return model.model_copy(update={"mamba": model.mamba.model_copy(update={"kernel": kernel})})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
