"""A checkpoint is on the disk whole or not at all."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from bgb.train.checkpoint_files import AtomicCheckpoints


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "last.ckpt"
    AtomicCheckpoints().save_checkpoint({"weights": torch.arange(3), "step": 4}, path)

    loaded = AtomicCheckpoints().load_checkpoint(path)

    assert loaded["step"] == 4
    assert torch.equal(loaded["weights"], torch.arange(3))


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    files = AtomicCheckpoints()
    files.save_checkpoint({"step": 1}, path)

    with pytest.raises((AttributeError, pickle.PicklingError)):
        files.save_checkpoint({"step": lambda: 2}, path)

    assert files.load_checkpoint(path) == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save({"step": Path("anything")}, path)

    with pytest.raises(pickle.UnpicklingError):
        AtomicCheckpoints().load_checkpoint(path)
