"""A window of EEG becomes a logit per sample."""

from __future__ import annotations

import pytest
import torch

from bgb.config import EncoderConfig, MambaConfig, ModelConfig
from bgb.errors import ConfigError
from bgb.model.detector import build_detector, model_size


def small(kernel: str = "reference", **encoder: object) -> ModelConfig:
    return ModelConfig(
        encoder=EncoderConfig.model_validate({"channels": (8, 8, 16, 16), **encoder}),
        mamba=MambaConfig.model_validate({"kernel": kernel, "layers": 2, "d_model": 16, "headdim": 8, "d_state": 4}),
    )


@pytest.mark.parametrize("kernel", ["reference", "conv1d"])
@pytest.mark.parametrize("samples", [16, 400, 1024])
@torch.no_grad()
def test_every_sample_of_every_window_gets_a_logit(kernel: str, samples: int) -> None:
    logits = build_detector(small(kernel))(torch.randn(3, 19, samples))

    assert logits.shape == (3, samples)
    assert logits.isfinite().all()


def test_a_window_that_does_not_come_down_by_sixteen_is_refused_with_its_length() -> None:
    with pytest.raises(ValueError, match="a window of 1000 samples; expected a multiple of 16"):
        build_detector(small())(torch.randn(1, 19, 1000))


def test_a_shape_that_cannot_be_is_refused_before_it_is_built() -> None:
    with pytest.raises(ConfigError, match=r"model: encoder\.channels has 2 stages, a stride of 4; expected 4"):
        build_detector(small(channels=(8, 16)))


@torch.no_grad()
def test_probabilities_start_near_one_half_whatever_the_input() -> None:
    torch.manual_seed(0)
    logits = build_detector(small())(10 * torch.randn(4, 19, 2048))

    assert logits.abs().max() < 0.5


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    model = build_detector(small())
    model(torch.randn(2, 19, 512)).square().mean().backward()

    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


@torch.no_grad()
def test_a_sample_is_judged_by_what_comes_before_and_after_it() -> None:
    torch.manual_seed(0)
    model = build_detector(small()).eval()
    signal = torch.randn(1, 19, 4096)
    changed = signal.clone()
    changed[..., 2000:2096] += 3

    moved = (model(signal) - model(changed)).abs().squeeze()

    assert moved[:16].max() > 0
    assert moved[-16:].max() > 0
    assert moved[1984:2112].mean() > 10 * moved[:128].mean()


@torch.no_grad()
def test_how_strong_a_signal_is_reaches_the_layers_that_judge_it() -> None:
    torch.manual_seed(0)
    encoder, signal = build_detector(small()).eval().encoder, torch.randn(1, 19, 2048)

    assert encoder(4 * signal).std() > 2 * encoder(signal).std()


@torch.no_grad()
def test_one_window_of_a_batch_does_not_change_another() -> None:
    model, signal = build_detector(small()).eval(), torch.randn(4, 19, 512)

    torch.testing.assert_close(model(signal)[1:2], model(signal[1:2]))


@torch.no_grad()
def test_the_same_seed_builds_the_same_network() -> None:
    def built() -> dict[str, torch.Tensor]:
        torch.manual_seed(7)
        return build_detector(small()).state_dict()

    assert all(torch.equal(first, second) for first, second in zip(built().values(), built().values(), strict=True))


def test_the_size_is_the_number_of_all_parameters() -> None:
    model = build_detector(small())
    size = model_size(model)

    assert size.total == sum(parameter.numel() for parameter in model.parameters())
    assert min(size.encoder, size.mamba, size.decoder) > 0
