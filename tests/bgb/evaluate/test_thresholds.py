from __future__ import annotations

import json
from pathlib import Path

import pytest

from bgb.config import EvaluateConfig
from bgb.errors import CheckpointError
from bgb.evaluate.metrics import EVENT_THRESHOLDS, FALSE_ALARM_LIMITS
from bgb.evaluate.thresholds import read_thresholds, thresholds_path, write_thresholds

CHOSEN: dict[float, float | None] = dict(
    zip(FALSE_ALARM_LIMITS, (*EVENT_THRESHOLDS[[60, 70, 80]].tolist(), None), strict=True)
)
RULES = EvaluateConfig()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "best.ckpt"
    write_thresholds(path, "a" * 64, RULES, CHOSEN)
    return path


def test_thresholds_come_back_as_they_were_chosen(checkpoint: Path) -> None:
    assert read_thresholds(checkpoint, "a" * 64, RULES) == CHOSEN


def test_the_configured_threshold_does_not_bear_on_those_that_were_tried(checkpoint: Path) -> None:
    halved = RULES.model_copy(update={"on_threshold": 0.3, "off_threshold": 0.2, "split": "eval"})
    assert read_thresholds(checkpoint, "a" * 64, halved) == CHOSEN


def test_none_were_chosen(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no thresholds were chosen for this checkpoint.*--split dev"):
        read_thresholds(tmp_path / "best.ckpt", "a" * 64, RULES)


def test_those_of_another_network_or_other_rules_are_refused(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="thresholds of checkpoint aaaaaaaaaaaa, this is bbbbbbbbbbbb"):
        read_thresholds(checkpoint, "b" * 64, RULES)
    with pytest.raises(CheckpointError, match="chosen with the rules"):
        read_thresholds(checkpoint, "a" * 64, RULES.model_copy(update={"closing_samples": 1}))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"on_threshold": 3}'])
def test_a_damaged_file_is_an_error_with_a_remedy(checkpoint: Path, content: str) -> None:
    thresholds_path(checkpoint).write_text(content)
    with pytest.raises(CheckpointError, match=r"not the thresholds of a checkpoint.*bgb evaluate CONFIG --split dev"):
        read_thresholds(checkpoint, "a" * 64, RULES)


def test_a_threshold_that_is_not_tried_any_more_is_refused(checkpoint: Path) -> None:
    path = thresholds_path(checkpoint)
    content = json.loads(path.read_text())
    content["on_threshold"]["10"] = 0.123
    path.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match="another version"):
        read_thresholds(checkpoint, "a" * 64, RULES)
