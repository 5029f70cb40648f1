from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgb.variables import FOREIGN, VARIABLES, foreign, is_own, problem_with, shown_value


@pytest.mark.parametrize(
    ("name", "value"),
    [("BGB_LIMIT_FILES", "50"), ("BGB_FORCE_MANIFEST_REBUILD", "1"), ("SEIZURE_MAMBA_FORCE_FALLBACK", "0")],
)
def test_a_declared_variable_with_a_value_it_takes_is_sound(name: str, value: str) -> None:
    assert problem_with(name, value) is None


@pytest.mark.parametrize("value", ["", "0", "-1", "+5", "5.0", "five", " 5", "5 ", "0x10", "1_000", "\u0665"])
def test_a_limit_is_a_positive_integer_and_nothing_else(value: str) -> None:
    assert "expected a positive integer" in (problem_with("BGB_LIMIT_FILES", value) or "")


@pytest.mark.parametrize("value", ["", "true", "True", "yes", "on", "2", "1 "])
def test_a_switch_is_0_or_1_and_nothing_else(value: str) -> None:
    assert "expected 0 or 1" in (problem_with("SEIZURE_MAMBA_FORCE_FALLBACK", value) or "")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("BGB_LIMIT_FILE", "BGB_LIMIT_FILES"),
        ("bgb_limit_files", "BGB_LIMIT_FILES"),
        ("SEIZURE_MAMBA_FALLBACK", "SEIZURE_MAMBA_FORCE_FALLBACK"),
    ],
)
def test_an_undeclared_name_of_ours_in_any_case_is_answered_with_the_nearest(name: str, nearest: str) -> None:
    assert is_own(name)
    assert (problem_with(name, "7") or "").endswith(f"the nearest is {nearest}")


@pytest.mark.parametrize(
    "name",
    [
        "CUDA_VISIBLE_DEVICES",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "PYTHONPATH",
        "NVIDIA_TF32_OVERRIDE",
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
        "TORCHDYNAMO_DISABLE",
        "PYTORCH_CUDA_ALLOC_CONF",
        "TRITON_INTERPRET",
        "MAMBA_SKIP_CUDA_BUILD",
        "CAUSAL_CONV1D_FORCE_BUILD",
        "WANDB_MODE",
        "NCCL_DEBUG",
        "OMP_NUM_THREADS",
        "CUDA_LAUNCH_BLOCKING",
        "PYTHONTRACEMALLOC",
        "TORCH_LOGS",
        "WANDB_RUN_ID",
    ],
)
def test_a_foreign_variable_that_changes_a_run_is_judged_with_a_reason(name: str) -> None:
    row = foreign(name)
    assert row is not None
    assert row.reason


@pytest.mark.parametrize("name", ["PATH", "HOME", "PYTHONUNBUFFERED", "PYTHONNOUSERSITE", "WANDB_API_KEY", "EDITOR"])
def test_a_variable_that_changes_nothing_is_left_alone(name: str) -> None:
    assert foreign(name) is None


def test_every_row_of_the_foreign_table_can_be_reached() -> None:
    for number, row in enumerate(FOREIGN):
        example = row.pattern.replace("[A-Z]", "X").replace("*", "ZZ")
        assert next(n for n, other in enumerate(FOREIGN) if _matches(other.pattern, example)) == number, row.pattern


def _matches(pattern: str, name: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


@given(st.sampled_from(sorted(VARIABLES)), st.text())
def test_a_value_is_shown_only_when_it_is_short_and_plain(name: str, value: str) -> None:
    shown = shown_value(name, value)
    assert shown in {value, "(not shown)"}
    assert len(shown) <= 24


def test_no_value_of_a_secret_is_shown() -> None:
    assert shown_value("BGB_API_KEY", "7") == "(not shown)"
