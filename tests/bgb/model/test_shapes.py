"""Shapes are refused by arithmetic, before anything is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bgb.config import EncoderConfig, MambaConfig, ModelConfig, load_config
from bgb.data.windows import WindowSpec
from bgb.model.shapes import STRIDE, check_launch, check_shapes, coerced

CONFIGS = Path(__file__).resolve().parents[3] / "configs"


def shaped(**mamba: object) -> ModelConfig:
    return ModelConfig(mamba=MambaConfig.model_validate({"kernel": "cuda", **mamba}))


@pytest.mark.parametrize(
    ("d_model", "headdim"),
    [(512, 64), (128, 32), (64, 16)],
)
def test_shapes_that_the_cuda_kernel_takes_have_no_problem(d_model: int, headdim: int) -> None:
    assert check_shapes(shaped(d_model=d_model, headdim=headdim)) == ()


def test_widths_that_are_no_multiple_of_8_are_named_with_their_numbers() -> None:
    (problem,) = check_shapes(shaped(d_model=192, headdim=64, d_state=128))

    assert problem == "the projection is 1030 wide, 6 past a multiple of 8; change headdim = 64"


def test_a_convolution_that_is_no_multiple_of_8_is_named_too() -> None:
    problems = check_shapes(shaped(d_model=64, headdim=16, d_state=6))

    assert any("the convolution is 140 wide, 4 past a multiple of 8" in problem for problem in problems)


@pytest.mark.parametrize("kernel", ["cuda", "reference"])
def test_heads_that_do_not_fill_the_width_are_a_problem_of_both_mamba_kernels(kernel: str) -> None:
    problems = check_shapes(shaped(kernel=kernel, d_model=48, headdim=64))

    assert "expand * d_model = 96 is not a multiple of headdim = 64" in problems


def test_heads_that_cannot_be_shared_by_the_groups_are_a_problem() -> None:
    (problem,) = check_shapes(shaped(kernel="reference", d_model=64, headdim=32, ngroups=3))

    assert "4 heads" in problem
    assert "ngroups = 3" in problem


@pytest.mark.parametrize(
    ("mamba", "numbers"),
    [
        ({"d_state": 264}, "d_state is 264; the cuda kernel has at most 256"),
        ({"d_model": 16384}, "expand * d_model = 32768; the gated norm of the cuda kernel has at most 16384"),
        ({"ngroups": 2}, "ngroups is 2; the gradients of mamba_ssm 2.2.2 are wrong for more than 1"),
    ],
)
def test_limits_of_the_cuda_kernel_are_not_limits_of_the_reference(mamba: dict[str, int], numbers: str) -> None:
    assert check_shapes(shaped(**mamba)) == (numbers,)
    assert check_shapes(shaped(kernel="reference", **mamba)) == ()


@pytest.mark.parametrize("width", [1, 5, 8])
def test_a_convolution_that_the_compiled_kernel_lacks_becomes_four_and_says_so(width: int) -> None:
    built, said = coerced(shaped(d_conv=width).mamba)

    assert built.d_conv == 4
    assert said == (f"model.mamba.d_conv = {width} becomes 4: the compiled kernel has widths 2 to 4",)


@pytest.mark.parametrize("kernel", ["reference", "conv1d"])
def test_other_implementations_convolve_over_what_is_configured(kernel: str) -> None:
    config = shaped(kernel=kernel, d_conv=5).mamba
    assert coerced(config) == (config, ())


@pytest.mark.parametrize("width", [2, 3, 4])
def test_widths_that_the_compiled_kernel_has_stay(width: int) -> None:
    config = shaped(d_conv=width).mamba
    assert coerced(config) == (config, ())


def test_a_launch_that_no_gpu_takes_is_told_by_its_two_numbers() -> None:
    mamba = shaped(chunk_size=16).mamba

    assert check_launch(mamba, batch=1092, steps=960) == ()
    (problem,) = check_launch(mamba, batch=1093, steps=960)
    assert problem == (
        "batch_size = 1093 x 60 chunks of 16 steps need a launch of 65,580 blocks; "
        "a GPU takes at most 65,535 in that dimension"
    )
    assert check_launch(shaped(kernel="reference", chunk_size=16).mamba, batch=1093, steps=960) == ()


def test_the_stand_in_has_no_heads_to_fit() -> None:
    assert check_shapes(shaped(kernel="conv1d", d_model=48, headdim=64)) == ()


def test_an_encoder_must_come_down_by_sixteen_with_odd_kernels() -> None:
    encoder = EncoderConfig(channels=(8, 16, 32), kernel_size=4)

    stages, kernel = check_shapes(ModelConfig(encoder=encoder, mamba=MambaConfig(kernel="reference")))

    assert stages == "encoder.channels has 3 stages, a stride of 8; expected 4 stages, a stride of 16"
    assert kernel == "encoder.kernel_size is 4; expected an odd number, such as 5"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_shipped_configuration_has_shapes_that_its_kernel_takes(path: Path) -> None:
    config = load_config(path)

    assert check_shapes(config.model) == ()
    assert WindowSpec.from_config(config.data, config.signal).window_samples % STRIDE == 0


def test_checking_shapes_loads_no_torch() -> None:
    program = "import sys, bgb.model.shapes; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
