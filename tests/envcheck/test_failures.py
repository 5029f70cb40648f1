"""Failures of real installations, made in an environment and judged from what a child of it saw.

Each test breaks a sound environment in one way and asks which check closes the gate and which command mends it.
"""

from __future__ import annotations

import os
import py_compile
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from envcheck.checks import CHECKS
from envcheck.collect import collect
from envcheck.core import Context, Expectations, Finding, Request, Tier, Verdict
from envcheck.expectations import ExpectedPackages, ExpectedPython, ExpectedTorch
from envcheck.facts.package_bytecode import PackageBytecode
from envcheck.facts.package_files import PackageFiles
from envcheck.facts.package_hashes import PackageHashes
from envcheck.facts.packages import Packages
from envcheck.facts.python_build import PythonBuild
from envcheck.facts.shadowing import Shadowing
from envcheck.facts.torch_build import TorchBuild
from envcheck.judge import Selection, judge
from envcheck.lockfile import Target, read_lock
from envcheck.suites import IMAGE
from tests.envcheck.environments import Environment
from tests.envcheck.facts.test_torch_build import VERSION_PY

pytestmark = pytest.mark.slow  # seven children each; facts and checks have quick tests of their own

PINS = {"einops": "0.8.2", "numpy": "1.26.4", "setuptools": "84.2.1", "torch": "2.2.2"}
NOT_JUDGED = ("glibc_floor", "torch_runtime")
REQUESTS = (
    *(Request(fact=fact) for fact in (PythonBuild, Packages, PackageFiles, PackageHashes, Shadowing, TorchBuild)),
    Request(fact=PackageBytecode, parameters={"packages": ["einops"]}),
)


@pytest.fixture
def sound(environment: Environment) -> Environment:
    """A small installation of the lock, with a torch that has the files of one."""
    for name, version in PINS.items():
        environment.install(name, version, _files_of(name))
    (environment.prefix / "constraints.txt").write_text(
        "".join(f"{name}=={version} --hash=sha256:{'0' * 64}\n" for name, version in PINS.items())
    )
    return environment


def _files_of(name: str) -> dict[str, str | bytes]:
    if name != "torch":
        return {f"{name}/__init__.py": "a = 1\n"}
    libraries = {"torch/lib/libc10.so": b"torchCheckFailEPKcS2_jRKSs", "torch/lib/libtorch_cuda.so": b"\x7fELF"}
    return {"torch/__init__.py": "", "torch/version.py": VERSION_PY, **libraries}


def closing(environment: Environment, *, variables: Mapping[str, str] | None = None) -> dict[str, Finding]:
    """What does not pass, by check."""
    facts = collect(REQUESTS, runner=environment.runner(variables=variables, cwd=environment.prefix))
    python = ExpectedPython(version=facts[PythonBuild].version)
    expect = Expectations.of(
        python,
        ExpectedPackages(allow_unlisted=("envcheck",)),
        ExpectedTorch(version="2.2.2+cu121", cuda="12.1", cxx11_abi=False),
        read_lock(environment.prefix / "constraints.txt").select(Target(python_version=python.version)),
    )
    selection = Selection(tier=Tier.STANDARD, skip=NOT_JUDGED)
    results = judge(IMAGE, CHECKS, Context(facts=facts, expect=expect), selection).results
    return {item.check: item.finding for item in results if item.finding.verdict is not Verdict.PASS}


def install_again(environment: Environment, name: str) -> str:
    python = environment.python
    return f"uv pip install --python {python} --reinstall-package {name} --require-hashes --no-deps -r constraints.txt"


def test_a_sound_environment_passes_every_check(sound: Environment) -> None:
    assert closing(sound) == {}


def test_a_build_of_torch_without_cuda_under_the_pinned_version(sound: Environment) -> None:
    changed = VERSION_PY.replace("= '12.1'", "= None")
    sound.install("torch", "2.2.2", {**_files_of("torch"), "torch/version.py": changed})
    found = closing(sound)
    assert list(found) == ["torch_build"]
    assert found["torch_build"].remedy == install_again(sound, "torch")


def test_numpy_2_beside_torch_2_2(sound: Environment) -> None:
    shutil.rmtree(sound.site / "numpy-1.26.4.dist-info")
    sound.install("numpy", "2.2.6", _files_of("numpy"))
    found = closing(sound)
    assert list(found) == ["packages_locked", "numpy_abi"]
    assert found["numpy_abi"].remedy == install_again(sound, "numpy")


def test_an_environment_made_without_setuptools(sound: Environment) -> None:
    shutil.rmtree(sound.site / "setuptools-84.2.1.dist-info")
    shutil.rmtree(sound.site / "setuptools")
    found = closing(sound)
    assert list(found) == ["packages_locked"]
    assert "+ setuptools 84.2.1" in found["packages_locked"].summary


def test_a_folder_on_pythonpath_with_a_package_of_the_lock(sound: Environment, tmp_path: Path) -> None:
    (tmp_path / "shadow" / "einops").mkdir(parents=True)
    (tmp_path / "shadow" / "einops" / "__init__.py").write_text("__version__ = '0.0.shadow'\n")
    found = closing(sound, variables={"PYTHONPATH": str(tmp_path / "shadow")})
    assert list(found) == ["import_shadowing"]
    assert found["import_shadowing"].remedy == "unset PYTHONPATH"


def test_a_second_copy_of_the_metadata_that_hides_the_first(sound: Environment) -> None:
    copy = sound.site / "einops-0.0.1.dist-info"
    shutil.copytree(sound.site / "einops-0.8.2.dist-info", copy)
    (copy / "METADATA").write_text("Metadata-Version: 2.1\nName: einops\nVersion: 0.0.1\n")
    found = closing(sound)
    assert list(found) == ["packages_locked", "package_duplicates"]
    assert found["package_duplicates"].remedy == f"rm -r {copy} && {install_again(sound, 'einops')}"


def test_a_left_over_extension_module(sound: Environment) -> None:
    stray = sound.site / "einops" / "einops.cpython-311-x86_64-linux-gnu.so"
    stray.touch()
    found = closing(sound)
    assert list(found) == ["package_files"]
    assert found["package_files"].remedy == f"rm -r {stray}"


def test_an_editable_installation_of_a_pinned_package(sound: Environment) -> None:
    direct_url = '{"url": "file:///src/einops", "dir_info": {"editable": true}}'
    sound.install("einops", "0.8.2", _files_of("einops"), direct_url=direct_url)
    found = closing(sound)
    assert list(found) == ["package_origin"]
    assert found["package_origin"].remedy == install_again(sound, "einops")


def test_a_module_that_was_edited_and_kept_its_size(sound: Environment) -> None:
    (sound.site / "einops" / "__init__.py").write_text("a = 2\n")
    found = closing(sound)
    assert list(found) == ["package_hashes"]
    assert found["package_hashes"].remedy == install_again(sound, "einops")


def test_bytecode_of_a_module_as_it_was_before(sound: Environment) -> None:
    module = sound.site / "einops" / "__init__.py"
    status = module.stat()
    module.write_text("a = 9\n")
    os.utime(module, ns=(status.st_atime_ns, status.st_mtime_ns))
    py_compile.compile(str(module))
    module.write_text("a = 1\n")
    os.utime(module, ns=(status.st_atime_ns, status.st_mtime_ns))
    found = closing(sound)
    assert list(found) == ["package_bytecode"]
    assert found["package_bytecode"].remedy == f"find {sound.prefix} -name '*.pyc' -delete"
