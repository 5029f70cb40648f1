from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from bgb.errors import CheckpointError
from bgb.evaluate.checkpoint import load_checkpoint
from tests.bgb.evaluate.small_run import SETTINGS, small_config, trained_weights, write_checkpoint


def test_a_checkpoint_gives_its_network_and_what_it_was_trained_by(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "best.ckpt", config), "reference")
    assert checkpoint.config.model == config.model
    assert checkpoint.config.data == config.data
    assert checkpoint.signal_digest == SETTINGS.digest()
    for name, value in checkpoint.detector.state_dict().items():
        assert torch.equal(value, trained_weights()[name])


@pytest.mark.slow
def test_a_checkpoint_that_lightning_wrote_in_training_is_read(tmp_path: Path) -> None:
    from lightning.pytorch import Trainer

    from bgb.train.module import DetectorTraining, Setup

    config = small_config(tmp_path)
    module = DetectorTraining(Setup(config=config, plan_digest="0" * 64, positive_weight=2.0, optimizer_steps=1))
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    trainer.strategy.connect(module)
    trainer.save_checkpoint(tmp_path / "best.ckpt", weights_only=True)
    checkpoint = load_checkpoint(tmp_path / "best.ckpt", "reference")
    assert checkpoint.signal_digest == SETTINGS.digest()
    for name, value in checkpoint.detector.state_dict().items():
        assert torch.equal(value, module.detector.state_dict()[name])


def test_another_network_under_the_same_weights_is_refused(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "best.ckpt", small_config(tmp_path))
    with pytest.raises(CheckpointError, match=r"trained with model\.mamba\.kernel reference; conv1d is another"):
        load_checkpoint(path, "conv1d")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "best.ckpt", small_config(tmp_path), weights={"norm.weight": torch.ones(8)})
    with pytest.raises(CheckpointError, match="its weights are not those of the network it names"):
        load_checkpoint(path, "reference")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such checkpoint"),
        (b"", "not a checkpoint that can be read"),
        (b"PK\x03\x04 cut off", "not a checkpoint that can be read"),
        (b"# notes\n", "not a checkpoint that can be read"),
        (pickle.dumps(Path("a pickle that would build an object")), "not a checkpoint that can be read"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_one_clear_message(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "best.ckpt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as raised:
        load_checkpoint(path, "reference")
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a checkpoint that can be read"):
        load_checkpoint(tmp_path, "reference")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds no weights"),
        ({"model": {}}, "holds no weights"),
        ({"state_dict": {}}, "does not say how it was trained"),
        ({"state_dict": {}, "hyper_parameters": {"lr": 0.1}}, "does not say how it was trained"),
        (
            {"state_dict": {}, "hyper_parameters": {"config": {"name": "old"}, "signal_digest": ""}},
            "its configuration is of another version",
        ),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(content: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "best.ckpt"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path, "reference")
