from __future__ import annotations

import pytest

from bgb.environment import is_set, relevant, salted_digest
from bgb.errors import ConfigError


@pytest.mark.parametrize(("environ", "expected"), [({}, False), ({"BGB_FORCE_MANIFEST_REBUILD": "1"}, True)])
def test_a_declared_action_is_read(environ: dict[str, str], *, expected: bool) -> None:
    assert is_set("BGB_FORCE_MANIFEST_REBUILD", environ) is expected


@pytest.mark.parametrize("value", ["", "true", "True", "yes", "2", " 1"])
def test_anything_but_0_or_1_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="expected 0 or 1"):
        is_set("BGB_FORCE_MANIFEST_REBUILD", {"BGB_FORCE_MANIFEST_REBUILD": value})


def test_an_undeclared_variable_cannot_be_read() -> None:
    with pytest.raises(KeyError, match="not declared"):
        is_set("BGB_SOMETHING", {})


def test_own_variables_in_any_case_and_foreign_ones_that_matter_are_relevant() -> None:
    environ = {"bgb_limit_files": "7", "OMP_NUM_THREADS": "1", "HOME": "/home/ana", "TORCHDYNAMO_DISABLE": "1"}
    assert relevant(environ) == {"OMP_NUM_THREADS": "1", "TORCHDYNAMO_DISABLE": "1", "bgb_limit_files": "7"}


def test_a_secret_is_known_by_name_alone() -> None:
    assert relevant({"TORCH_HUB_TOKEN": "hunter2"}) == {"TORCH_HUB_TOKEN": ""}


def test_a_value_is_shown_only_under_a_salt() -> None:
    assert salted_digest("a", "50") != salted_digest("b", "50")
    assert len(salted_digest("a", "50")) == 64
