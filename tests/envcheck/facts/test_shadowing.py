from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envcheck.facts.shadowing import PYTHON, Shadow, Shadowing, Source
from tests.envcheck.environments import ROOT, Environment


@pytest.fixture
def einops(environment: Environment) -> Environment:
    environment.install("einops", "0.8.2", {"einops/__init__.py": "__version__ = '0.8.2'\n"})
    return environment


def shadow_of(module: str, package: str, found: Path, *, working_directory: bool = False) -> Shadow:
    return Shadow(module=module, package=package, found=str(found), working_directory=working_directory)


def test_a_plain_environment_resolves_to_itself(einops: Environment, tmp_path: Path) -> None:
    seen = einops.observe(Shadowing, cwd=tmp_path)
    assert seen.shadows == ()
    assert seen.modules > 100
    sources = [entry.source for entry in seen.path]
    assert sources.count(Source.PACKAGES) == 1
    assert Source.PYTHONPATH not in sources


def test_a_folder_on_pythonpath_comes_before_the_package(einops: Environment, tmp_path: Path) -> None:
    front = tmp_path / "front" / "einops"
    front.mkdir(parents=True)
    (front / "__init__.py").write_text("__version__ = '0.0.shadow'\n")
    seen = einops.observe(Shadowing, variables={"PYTHONPATH": str(front.parent)}, cwd=tmp_path)
    assert seen.shadows == (shadow_of("einops", "einops", front / "__init__.py"),)
    assert seen.path[0].source is Source.PYTHONPATH


def test_a_package_with_a_record_of_its_own_in_front_is_a_shadow_too(einops: Environment, tmp_path: Path) -> None:
    einops.install("einops", "0.9", into=tmp_path / "target")
    seen = einops.observe(Shadowing, variables={"PYTHONPATH": str(tmp_path / "target")}, cwd=tmp_path)
    assert seen.shadows == (shadow_of("einops", "einops", tmp_path / "target/einops/__init__.py"),)


def test_files_in_the_working_directory_shadow_what_is_started_with_m(einops: Environment, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "einops").mkdir(parents=True)
    (checkout / "einops" / "__init__.py").touch()
    (checkout / "wave.py").touch()
    seen = einops.observe(Shadowing, cwd=checkout)
    assert seen.shadows == (
        shadow_of("einops", "einops", checkout / "einops/__init__.py", working_directory=True),
        shadow_of("wave", PYTHON, checkout / "wave.py", working_directory=True),
    )


def test_a_folder_of_output_named_like_a_package_shadows_nothing(einops: Environment, tmp_path: Path) -> None:
    (tmp_path / "einops" / "run-1").mkdir(parents=True)
    assert einops.observe(Shadowing, cwd=tmp_path).shadows == ()


def test_a_module_of_the_standard_library_and_a_start_up_file_are_seen_in_front(
    einops: Environment, tmp_path: Path
) -> None:
    front = tmp_path / "front"
    front.mkdir()
    for name in ("wave.py", "sitecustomize.py"):
        (front / name).touch()
    seen = einops.observe(Shadowing, variables={"PYTHONPATH": str(front)}, cwd=tmp_path)
    assert seen.shadows == (
        shadow_of("sitecustomize", PYTHON, front / "sitecustomize.py"),
        shadow_of("wave", PYTHON, front / "wave.py"),
    )


def test_an_extension_for_another_python_is_found_nowhere(environment: Environment, tmp_path: Path) -> None:
    file = "selective_scan_cuda.cpython-39-x86_64-linux-gnu.so"
    environment.install("mamba-ssm", "2.2.2", {file: b"\x7fELF", "mamba_ssm/__init__.py": ""})
    seen = environment.observe(Shadowing, cwd=tmp_path)
    assert seen.shadows == (Shadow(module="selective_scan_cuda", package="mamba-ssm", found=None),)


def test_the_users_own_packages_come_before_the_environments(tmp_path: Path) -> None:
    """Outside a virtual environment they do; inside one they are left out, or come last."""
    system = Environment(prefix=Path(sys.base_prefix))
    if not list(system.site.glob("pip-*.dist-info")):
        pytest.skip("the Python below this environment has no pip to shadow")
    user_site = tmp_path / "user" / system.site.relative_to(system.prefix)
    (user_site / "pip").mkdir(parents=True)
    (user_site / "pip" / "__init__.py").touch()
    variables = {"PYTHONUSERBASE": str(tmp_path / "user"), "PYTHONPATH": str(ROOT)}
    seen = system.observe(Shadowing, variables=variables, cwd=tmp_path)
    assert Source.USER_SITE in {entry.source for entry in seen.path}
    assert shadow_of("pip", "pip", user_site / "pip/__init__.py") in seen.shadows
