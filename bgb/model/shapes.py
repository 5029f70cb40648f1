"""Arithmetic on a model's configuration. Imports no torch, so that a plan can refuse a shape at once."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bgb.config import MambaConfig, ModelConfig

STAGES = 4
STRIDE = 2**STAGES
"""Samples that become one step of the Mamba layers."""


def check_shapes(config: ModelConfig) -> tuple[str, ...]:
    """What is wrong with the shapes that `config` asks for, a sentence each with the numbers; empty when nothing is."""
    return (*_encoder_problems(config), *_mamba_problems(config.mamba), *_cuda_problems(config.mamba))


KERNEL_WIDTHS = range(2, 5)
"""What causal_conv1d convolves over: 2, 3 or 4 steps (csrc/causal_conv1d.cpp)."""
COERCED_WIDTH = 4


def coerced(config: MambaConfig) -> tuple[MambaConfig, tuple[str, ...]]:
    """The layer that will be built, and a sentence for each value that is not the configured one.

    The origin project's models were trained this way: d_conv = 5 in the configuration, 4 in the compiled kernel.
    """
    if config.kernel != "cuda" or config.d_conv in KERNEL_WIDTHS:
        return config, ()
    said = f"model.mamba.d_conv = {config.d_conv} becomes {COERCED_WIDTH}: the compiled kernel has widths 2 to 4"
    return config.model_copy(update={"d_conv": COERCED_WIDTH}), (said,)


GRID_LIMIT = 65535
"""Blocks that a launch may have in its second and third dimension (CUDA C++ Programming Guide)."""
CONV_TILE = 64
"""Steps and channels that one block of the convolution takes (csrc/causal_conv1d_fwd.cu, the channel-last kernel)."""


def check_launch(config: MambaConfig, *, batch: int, steps: int) -> tuple[str, ...]:
    """What is wrong with launching the compiled kernels on `batch` windows of `steps` steps each, with the numbers."""
    if config.kernel != "cuda":
        return ()
    chunks = math.ceil(steps / config.chunk_size)
    blocks = {
        f"batch_size = {batch} x {chunks} chunks of {config.chunk_size} steps": batch * chunks,
        f"{inner_width(config) // config.headdim} heads": inner_width(config) // config.headdim,
        f"{steps} steps of the convolution": math.ceil(steps / CONV_TILE),
        f"{conv_width(config)} channels of the convolution": math.ceil(conv_width(config) / CONV_TILE),
    }
    return tuple(
        f"{what} need a launch of {count:,} blocks; a GPU takes at most {GRID_LIMIT:,} in that dimension"
        for what, count in blocks.items()
        if count > GRID_LIMIT
    )


def inner_width(config: MambaConfig) -> int:
    """Channels of the scan: heads times headdim."""
    return config.expand * config.d_model


def conv_width(config: MambaConfig) -> int:
    """Channels of the causal convolution: x, B and C."""
    return inner_width(config) + 2 * config.ngroups * config.d_state


def projection_width(config: MambaConfig) -> int:
    """Outputs of the input projection: z, x, B, C and dt."""
    return inner_width(config) + conv_width(config) + inner_width(config) // config.headdim


def _encoder_problems(config: ModelConfig) -> Iterator[str]:
    stages, kernel_size = len(config.encoder.channels), config.encoder.kernel_size
    if stages != STAGES:
        yield (
            f"encoder.channels has {stages} stages, a stride of {2**stages}; "
            f"expected {STAGES} stages, a stride of {STRIDE}"
        )
    if kernel_size % 2 == 0:
        yield f"encoder.kernel_size is {kernel_size}; expected an odd number, such as {kernel_size + 1}"


def _mamba_problems(config: MambaConfig) -> Iterator[str]:
    if config.kernel == "conv1d":
        return
    inner = inner_width(config)
    if inner % config.headdim:
        yield f"expand * d_model = {inner} is not a multiple of headdim = {config.headdim}"
    elif (inner // config.headdim) % config.ngroups:
        heads = inner // config.headdim
        yield f"{heads} heads (expand * d_model / headdim) cannot be shared by ngroups = {config.ngroups}"


def _cuda_problems(config: MambaConfig) -> Iterator[str]:
    """Limits of mamba_ssm 2.2.2 with causal_conv1d 1.4.0, most of which show only at the first step on a GPU."""
    if config.kernel != "cuda":
        return
    # The convolution reads slices of the projection in steps of 8 (state-spaces/mamba#351, #345).
    for name, width in (("projection", projection_width(config)), ("convolution", conv_width(config))):
        if width % 8:
            yield f"the {name} is {width} wide, {width % 8} past a multiple of 8; change headdim = {config.headdim}"
    # The fused backward pass normalises over all groups, its forward pass within each (state-spaces/mamba#547).
    if config.ngroups > 1:
        yield f"ngroups is {config.ngroups}; the gradients of mamba_ssm 2.2.2 are wrong for more than 1"
    if config.d_state > 256:
        yield f"d_state is {config.d_state}; the cuda kernel has at most 256"
    if inner_width(config) > 16384:
        yield f"expand * d_model = {inner_width(config)}; the gated norm of the cuda kernel has at most 16384"
