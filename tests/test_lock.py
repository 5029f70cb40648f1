"""The lock is complete, hashed, and is a lock of what pyproject.toml asks for."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "constraints.txt").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENTRIES = [block for block in re.split(r"\n(?=\S)", TEXT) if re.match(r"[a-z0-9]", block)]
LOCK = {
    canonicalize_name(requirement.name): requirement
    for block in ENTRIES
    if (requirement := Requirement(block.partition("\\")[0].strip()))
}
NEEDS_A_COMPILER = {"mamba-ssm", "causal-conv1d"}


def version_of(name: str) -> str:
    (specifier,) = LOCK[canonicalize_name(name)].specifier
    assert specifier.operator == "=="
    return specifier.version


def asked_for() -> list[Requirement]:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


@pytest.mark.parametrize("requirement", asked_for(), ids=str)
def test_everything_the_project_asks_for_is_locked_at_a_version_it_accepts(requirement: Requirement) -> None:
    assert requirement.specifier.contains(version_of(requirement.name), prereleases=True)


def test_every_entry_is_pinned_once_and_hashed() -> None:
    assert len(LOCK) == len(ENTRIES)
    for block in ENTRIES:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.splitlines()[0]


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("torch", "2.2.2"),
        ("triton", "2.2.0"),
        ("numpy", "1.26.4"),
        ("mamba-ssm", "2.2.2"),
        ("causal-conv1d", "1.4.0"),
        ("timescoring", "0.0.7"),
    ],
)
def test_what_the_kernels_depend_on_is_exactly_as_designed(name: str, version: str) -> None:
    assert version_of(name) == version


def test_setuptools_is_there_at_run_time_because_triton_imports_it() -> None:
    assert "setuptools" in {Requirement(line).name for line in PROJECT["optional-dependencies"]["train"]}


def test_what_only_the_kernels_need_is_kept_from_an_ordinary_installation() -> None:
    marked = {name for name, requirement in LOCK.items() if requirement.marker is not None}
    assert marked >= NEEDS_A_COMPILER | {"transformers"}
    assert all(str(LOCK[name].marker) == 'extra == "gpu"' for name in marked)
    ordinary = [name for group, names in PROJECT["optional-dependencies"].items() if group != "gpu" for name in names]
    assert not marked & {canonicalize_name(Requirement(line).name) for line in ordinary}


def test_the_core_installation_needs_no_torch_mne_modal_or_wandb() -> None:
    names = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert not names & {"torch", "mne", "modal", "wandb", "lightning", "scipy"}


def test_the_lock_names_no_index() -> None:
    assert "://" not in TEXT


@pytest.mark.parametrize("name", sorted(LOCK.keys() - NEEDS_A_COMPILER))
def test_the_lock_holds_whatever_its_own_packages_require(name: str) -> None:
    try:
        requires = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed here")
    for line in requires:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            assert requirement.specifier.contains(version_of(requirement.name), prereleases=True), line
