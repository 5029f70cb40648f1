"""The configured kernel is the kernel that runs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from bgb.config import MambaConfig
from bgb.errors import ConfigError
from bgb.model.mamba import KERNELS, BidirectionalLayer, CausalConv
from bgb.model.ssd import Mamba2

without_mamba_ssm = pytest.mark.skipif(
    importlib.util.find_spec("mamba_ssm") is not None, reason="mamba_ssm is installed here"
)


def config(kernel: str) -> MambaConfig:
    return MambaConfig.model_validate({"kernel": kernel, "d_model": 32, "headdim": 16, "d_state": 8, "dropout": 0.0})


def test_every_kernel_that_a_configuration_can_name_exists() -> None:
    assert set(KERNELS) == set(MambaConfig.model_fields["kernel"].annotation.__args__)  # type: ignore[union-attr]


def test_each_name_gives_its_own_kernel_in_both_directions() -> None:
    for name, kind in (("reference", Mamba2), ("conv1d", CausalConv)):
        layer = BidirectionalLayer(config(name))
        assert isinstance(layer.past, kind)
        assert isinstance(layer.future, kind)


@without_mamba_ssm
def test_a_cuda_kernel_that_cannot_be_imported_is_an_error_and_never_another_kernel() -> None:
    with pytest.raises(ConfigError, match=r"kernel is cuda, but mamba_ssm cannot be imported: .*install the extra"):
        BidirectionalLayer(config("cuda"))


@without_mamba_ssm
def test_the_cuda_kernel_is_mamba_ssm_with_every_size_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "causal_conv1d.py").touch()
    (tmp_path / "mamba_ssm.py").write_text(
        "import torch\n"
        "class Mamba2(torch.nn.Identity):\n"
        "    def __init__(self, **sizes):\n"
        "        super().__init__()\n"
        "        self.sizes = sizes\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        layer = BidirectionalLayer(config("cuda"))
    finally:
        for name in ("mamba_ssm", "causal_conv1d"):
            sys.modules.pop(name, None)

    named_otherwise = {"kernel", "layers", "dropout"}
    assert layer.past.sizes == config("cuda").model_dump(exclude=named_otherwise)


@pytest.mark.parametrize("kernel", ["reference", "conv1d"])
@torch.no_grad()
def test_swapping_the_directions_is_the_same_as_reversing_time(kernel: str) -> None:
    layer, x = BidirectionalLayer(config(kernel)), torch.randn(2, 24, 32)
    expected = layer(x)

    layer.past, layer.future = layer.future, layer.past

    torch.testing.assert_close(layer(x.flip(1)).flip(1), expected)


@torch.no_grad()
def test_the_two_directions_have_parameters_of_their_own() -> None:
    layer, x = BidirectionalLayer(config("reference")), torch.randn(1, 24, 32)

    assert not torch.allclose(layer(x.flip(1)).flip(1), layer(x))


@torch.no_grad()
def test_the_stand_in_sees_only_its_last_steps() -> None:
    kernel, x = CausalConv(config("conv1d")), torch.zeros(1, 20, 32)
    changed = x.clone()
    changed[:, 10] += 1

    touched = (kernel(changed) != kernel(x)).any(-1).squeeze().nonzero().squeeze().tolist()

    assert touched == [10, 11, 12, 13]
