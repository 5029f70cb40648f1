from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from bgb.config import RunConfig
from bgb.preflight.facts.step_speed import StepSpeed
from bgb.preflight.suites import step_request
from envcheck.collect import observe_one
from envcheck.core import Unseen, decode
from tests.bgb.test_plan import config_with
from tests.envcheck.environments import Environment

HERE = Environment(prefix=Path(sys.prefix))
SMALL = {
    "encoder": {"channels": [4, 4, 8, 8], "kernel_size": 3},
    "mamba": {"kernel": "reference", "layers": 1, "d_model": 8, "d_state": 4, "headdim": 8, "chunk_size": 16},
}


def look(config: RunConfig) -> StepSpeed:
    entry = observe_one(step_request(config), HERE.runner())
    assert not isinstance(entry.value, Unseen), entry.value.reason
    return decode(StepSpeed, entry.value)


def test_some_steps_of_the_network_are_taken_and_timed() -> None:
    config = config_with(model=SMALL, train={"batch_size": 2, "threads": 1})
    seen = look(config)
    assert (seen.device, seen.batch_size, seen.problem) == ("cpu", 2, None)
    assert seen.seconds is not None
    assert 0 < seen.seconds < 60
    assert (seen.other_precision, seen.peak_memory_bytes) == (None, None)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_device_that_is_not_here_is_said() -> None:
    config = config_with(model=SMALL, train={"batch_size": 2, "device": "cuda"})
    seen = look(config)
    assert (seen.device, seen.seconds, seen.problem) == (None, None, "torch sees no CUDA device")
