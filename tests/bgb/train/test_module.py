"""One step: which samples count how much, what decays, how the rate of learning goes."""

from __future__ import annotations

import pytest
import torch

from bgb.config import TrainConfig
from bgb.data.torch_dataset import Batch
from bgb.model.detector import build_detector
from bgb.train.module import CosineWithWarmup, detection_loss, parameter_groups
from tests.bgb.train.tiny_run import TinyRun, tiny_config


def batch(label: torch.Tensor, valid: list[int]) -> Batch:
    nothing = torch.zeros(len(valid), dtype=torch.int64)
    signal = torch.zeros(len(valid), 19, label.shape[1], dtype=torch.int16)
    return Batch(signal=signal, label=label.to(torch.uint8), valid=torch.tensor(valid), row=nothing, start=nothing)


def test_the_loss_is_the_mean_of_the_cross_entropy_with_seizures_weighted() -> None:
    logits = torch.tensor([[0.3, -1.2], [2.0, -0.1]])
    labels = torch.tensor([[1, 0], [1, 1]])
    p = logits.sigmoid()

    expected = -(3 * p[0, 0].log() + (1 - p[0, 1]).log() + 3 * p[1, 0].log() + 3 * p[1, 1].log()) / 4

    torch.testing.assert_close(detection_loss(logits, batch(labels, [2, 2]), 3.0, 0.0), expected)


def test_what_a_window_holds_after_its_recording_ended_changes_nothing() -> None:
    logits = torch.randn(2, 6, requires_grad=True)
    padded = batch(torch.tensor([[1, 0, 1, 0, 0, 0], [0, 1, 0, 1, 1, 1]]), [3, 6])

    (gradient,) = torch.autograd.grad(detection_loss(logits, padded, 2.0, 0.0), logits)

    assert (gradient[0, 3:] == 0).all()
    assert (gradient[0, :3] != 0).all()
    assert (gradient[1] != 0).all()


def test_the_focal_loss_turns_from_what_is_right_already() -> None:
    logits, labels = torch.tensor([[4.0, 4.0, -4.0, -4.0]]), torch.tensor([[1, 0, 0, 1]])
    plain = [float(detection_loss(logits[:, [i]], batch(labels[:, [i]], [1]), 1.0, 0.0)) for i in range(4)]
    focal = [float(detection_loss(logits[:, [i]], batch(labels[:, [i]], [1]), 1.0, 2.0)) for i in range(4)]

    shares = [after / before for after, before in zip(focal, plain, strict=True)]

    wrong = torch.tensor(4.0).sigmoid() ** 2
    right = torch.tensor(-4.0).sigmoid() ** 2
    torch.testing.assert_close(torch.tensor(shares), torch.stack([right, wrong, right, wrong]))


def test_weights_decay_and_norms_biases_and_the_pace_of_the_states_do_not(tiny: TinyRun) -> None:
    model = build_detector(tiny_config(tiny.root).model)
    names = {parameter: name for name, parameter in model.named_parameters()}

    decaying, others = parameter_groups(model, 0.05)

    assert decaying["weight_decay"] == 0.05
    assert others["weight_decay"] == 0
    assert {names[p].rpartition(".")[2] for p in others["params"]} == {"weight", "bias", "A_log", "D", "dt_bias"}
    assert all("norm" in names[p] for p in others["params"] if names[p].endswith(".weight"))
    assert {names[p].rpartition(".")[2] for p in decaying["params"]} == {"weight"}
    assert len(decaying["params"]) + len(others["params"]) == len(names)


@pytest.mark.parametrize(("steps", "share"), [(100, 0.1), (7, 0.0), (1, 0.5)])
def test_the_rate_of_learning_rises_to_its_value_and_falls_to_nothing(steps: int, share: float) -> None:
    config = TrainConfig(device="cpu", precision="fp32", batch_size=1, epochs=1, warmup_share=share)
    factor = CosineWithWarmup(steps, config)
    factors = [factor(step) for step in range(steps + 1)]
    warmup = round(share * steps)

    assert factors[: warmup + 1] == sorted(factors[: warmup + 1])
    assert factors[warmup:] == sorted(factors[warmup:], reverse=True)
    assert factors[warmup] == 1
    assert factors[0] > 0
    assert factors[steps] == pytest.approx(0 if warmup < steps else 1)
