from __future__ import annotations

from pathlib import Path

import pytest

from bgb.errors import TrainingStopped
from bgb.train.pace import judge_pace
from bgb.train.run_directory import RunDirectory
from tests.bgb.train.tiny_run import STEPS_PER_EPOCH, TinyRun, tiny_config


@pytest.mark.parametrize(
    ("budget", "named"),
    [
        ({"max_hours": 5.0}, "10 hours, the budget is 5"),
        ({"max_usd": 20.0, "usd_per_hour": 2.5}, "$25.00, the budget is $20"),
    ],
)
def test_a_run_that_would_pass_its_budget_is_told_why(tmp_path: Path, budget: dict[str, float], named: str) -> None:
    config = tiny_config(tmp_path, budget=budget, train={"seconds_per_step": 0.1})
    message = judge_pace(config, steps=36_000, wait_seconds=0.25, work_seconds=0.75) or ""
    assert named in message
    assert "a step takes 1 s, the plan counts on 0.1 s" in message
    assert "25 % of it is waiting for data, precision is fp32, batch size 4" in message


@pytest.mark.parametrize("budget", [{}, {"max_hours": 11.0}, {"max_usd": 1.0}])
def test_a_run_within_its_budget_or_without_one_goes_on(tmp_path: Path, budget: dict[str, float]) -> None:
    config = tiny_config(tmp_path, budget=budget)
    assert judge_pace(config, steps=36_000, wait_seconds=0.25, work_seconds=0.75) is None


def test_a_training_that_is_too_slow_stops_within_fifty_steps_and_keeps_its_state(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, train={"epochs": 20}, budget={"max_hours": 1e-6})
    with pytest.raises(TrainingStopped, match="too slow: a step takes"):
        TinyRun(tmp_path).train("slow", config=config, expected_steps=STEPS_PER_EPOCH * 20)
    assert RunDirectory(tmp_path / "runs" / "slow").stopped.is_file()
