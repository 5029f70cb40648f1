"""The configured model has shapes that its kernels take.

causal_conv1d reads slices in steps of 8, and says so only in the first forward pass on the rented GPU, in a text about
strides; other limits end in an assertion without a text. All of them are arithmetic on the configuration.

How to fix: change `model.mamba.headdim`, `d_model` or `expand` so that the widths named below come out right.
"""

from __future__ import annotations

from bgb.config import ModelConfig
from bgb.model.shapes import check_launch, check_shapes, coerced
from bgb.preflight.contract import RunContract
from envcheck.core import Context, Evidence, Finding


def check(context: Context) -> Finding:
    """Work out the widths of every layer."""
    contract = context.expect[RunContract]
    config = ModelConfig.model_validate_json(contract.model)
    mamba = config.mamba
    launch = check_launch(mamba, batch=contract.batch_size, steps=contract.window_steps)
    problems = (*check_shapes(config), *launch)
    if problems:
        return Finding.failed(
            problems[0],
            *(Evidence(subject="model", found=problem) for problem in problems),
            remedy="change model.mamba or model.encoder in the configuration",
        )
    changed = coerced(mamba)[1]
    fit = f"{mamba.layers} bidirectional layers of width {mamba.d_model} fit the {mamba.kernel} implementation"
    return Finding.passed(
        "; ".join((fit, *changed)), *(Evidence(subject="changed", found=sentence) for sentence in changed)
    )
