"""Thresholds that were chosen on dev, kept beside the checkpoint, and carried to every other split."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bgb.config import EvaluateConfig
from bgb.errors import CheckpointError
from bgb.evaluate.metrics import EVENT_THRESHOLDS, FALSE_ALARM_LIMITS
from envcheck.core import Json
from envcheck.storage import write_json

REMEDY = "score dev first, with these rules: bgb evaluate CONFIG --split dev"


def thresholds_path(checkpoint: Path) -> Path:
    """Beside the checkpoint."""
    return checkpoint.with_name(f"{checkpoint.name}.thresholds.json")


def write_thresholds(
    checkpoint: Path, sha256: str, config: EvaluateConfig, chosen: Mapping[float, float | None]
) -> None:
    """`chosen` has the `on_threshold` for each limit of false alarms per 24 h; None: only silence keeps to it."""
    content: Json = {
        "schema_version": 1,
        "checkpoint_sha256": sha256,
        "rules": _rules(config),
        "on_threshold": {f"{limit:g}": on for limit, on in chosen.items()},
    }
    write_json(thresholds_path(checkpoint), content)


def read_thresholds(checkpoint: Path, sha256: str, config: EvaluateConfig) -> dict[float, float | None]:
    """What `write_thresholds` kept; `CheckpointError` for none, for another network, other rules or other limits."""
    path = thresholds_path(checkpoint)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {float(limit): on for limit, on in content["on_threshold"].items()}
        kept_sha256, rules = content["checkpoint_sha256"], content["rules"]
    except FileNotFoundError:
        raise CheckpointError(
            f"{path}: no thresholds were chosen for this checkpoint, and {config.split} is not for choosing; {REMEDY}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: not the thresholds of a checkpoint ({error!r}); {REMEDY}") from error
    if kept_sha256 != sha256:
        raise CheckpointError(f"{path}: thresholds of checkpoint {kept_sha256[:12]}, this is {sha256[:12]}; {REMEDY}")
    if rules != _rules(config):
        raise CheckpointError(f"{path}: thresholds were chosen with the rules {rules}, not {_rules(config)}; {REMEDY}")
    tried = set(EVENT_THRESHOLDS.tolist())
    if tuple(found) != FALSE_ALARM_LIMITS or any(on is not None and on not in tried for on in found.values()):
        raise CheckpointError(f"{path}: thresholds of another version of this program; {REMEDY}")
    return found


def _rules(config: EvaluateConfig) -> dict[str, Json]:
    """All that bears on a threshold: its own value does not, its ratio to the lower one does."""
    rules: dict[str, Json] = config.model_dump(mode="json", exclude={"split", "on_threshold", "off_threshold"})
    return rules | {"off_over_on": float(np.round(config.off_threshold / config.on_threshold, 9))}
