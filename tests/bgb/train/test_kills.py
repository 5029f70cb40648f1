"""A training that is killed again and again, at any moment, ends as one that was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import json, os, random, signal, sys, time
from pathlib import Path
import torch
from bgb.train import callbacks
from bgb.train.fit import fit
from bgb.train.run_directory import RunDirectory
from tests.bgb.train.tiny_run import STEPS_PER_EPOCH, TinyRun, tiny_config

root, wanted = Path(sys.argv[1]), int(sys.argv[2])
epochs = 8
torch.set_num_threads(1)
callbacks.SAVE_SECONDS = 0.0
tiny = TinyRun(root)
config = tiny_config(root, train={"epochs": epochs, "threads": 1})


def start(name):
    # A fork of this process: starting Python with torch takes longer than the training.
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        directory = RunDirectory(root / "runs" / name)
        resume = directory.last_checkpoint is not None
        fit(tiny.request(name, resume=resume, config=config, expected_steps=epochs * STEPS_PER_EPOCH))
        code = 0
    finally:
        os._exit(code)


def ended(pid, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG) != (0, 0):
            return True
        time.sleep(0.005)
    return False


begun = time.monotonic()
os.waitpid(start("undisturbed"), 0)
whole = time.monotonic() - begun
random.seed(0)
kills, finished, resumed_at = 0, [], set()
while kills < wanted or not finished:
    name = f"disturbed{len(finished)}"
    pid = start(name)
    if kills < wanted and not ended(pid, random.uniform(0, 0.7 * whole)):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        kills += 1
        last = RunDirectory(root / "runs" / name).last_checkpoint
        resumed_at.add(torch.load(last, weights_only=True)["global_step"] if last else None)
    else:
        if kills >= wanted:
            assert os.waitpid(pid, 0)[1] == 0
        finished.append(name)
print(json.dumps({"kills": kills, "finished": finished, "resumed_at": len(resumed_at)}))
"""


def killed(root: Path, times: int) -> None:
    command = [sys.executable, "-c", SCRIPT, str(root), str(times)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["kills"] == times
    assert found["resumed_at"] > 1
    undisturbed = root / "runs" / "undisturbed"
    expected = torch.load(undisturbed / "checkpoints" / "last.ckpt", weights_only=True)
    for name in found["finished"]:
        run = root / "runs" / name
        content = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
        assert content["global_step"] == expected["global_step"]
        for key, value in expected["state_dict"].items():
            assert torch.equal(content["state_dict"][key], value), key
        assert losses(run) == losses(undisturbed)
        assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]


def losses(run: Path) -> list[tuple[int, float]]:
    """Loss on dev by epoch; the mean over an epoch's steps is of the process that ended it."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [(line["epoch"], line["dev/loss"]) for line in lines]


@pytest.mark.whole
def test_three_kills_change_nothing(tmp_path: Path) -> None:
    killed(tmp_path, 3)


@pytest.mark.slow
def test_thirty_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    killed(tmp_path, 30)
