from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envcheck.facts.torch_build import TorchBuild
from tests.envcheck.environments import Environment

VERSION_PY = """\
from typing import Optional

__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip']
__version__ = '2.2.2+cu121'
debug = False
cuda: Optional[str] = '12.1'
git_version = '39901f229520a5256505ec24782f716ee7ddc843'
hip: Optional[str] = None
"""
OLD_ABI = b"\x7fELF\0_ZN3c106detail14torchCheckFailEPKcS2_jRKSs\0"
NEW_ABI = b"\x7fELF\0_ZN3c106detail14torchCheckFailEPKcS2_jRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE\0"
FROM_PYPI = TorchBuild(
    installed=True,
    version="2.2.2+cu121",
    cuda="12.1",
    git_version="39901f229520a5256505ec24782f716ee7ddc843",
    debug=False,
    hip=None,
    metadata_version="2.2.2",
    cuda_library=True,
    cxx11_abi=False,
)


def torch_files(*, version_py: str = VERSION_PY, libc10: bytes = OLD_ABI) -> dict[str, str | bytes]:
    return {
        "torch/__init__.py": "raise SystemExit('torch was imported')",
        "torch/version.py": version_py,
        "torch/lib/libc10.so": libc10,
        "torch/lib/libtorch_cuda.so": b"\x7fELF",
    }


def read(place: Path, files: dict[str, str | bytes]) -> TorchBuild:
    Environment(prefix=place).install("torch", "2.2.2", files, into=place)
    return TorchBuild.read(place / "torch", metadata_version="2.2.2")


def test_the_build_is_read_from_the_files_and_torch_is_not_imported(environment: Environment) -> None:
    environment.install("torch", "2.2.2", torch_files())
    assert environment.observe(TorchBuild) == FROM_PYPI


def test_a_build_without_cuda_is_seen_as_one(tmp_path: Path) -> None:
    files = torch_files(version_py=VERSION_PY.replace("+cu121", "+cpu").replace("= '12.1'", "= None"))
    del files["torch/lib/libtorch_cuda.so"]
    assert read(tmp_path, files) == replace(FROM_PYPI, version="2.2.2+cpu", cuda=None, cuda_library=False)


@pytest.mark.parametrize(("libc10", "cxx11_abi"), [(NEW_ABI, True), (b"\x7fELF", None), (OLD_ABI + NEW_ABI, None)])
def test_the_string_type_of_its_libraries_is_told_only_where_it_is_plain(
    tmp_path: Path, libc10: bytes, cxx11_abi: bool | None
) -> None:
    assert read(tmp_path, torch_files(libc10=libc10)).cxx11_abi is cxx11_abi


def test_without_its_libraries_nothing_is_told_of_them(tmp_path: Path) -> None:
    seen = read(tmp_path, {"torch/version.py": VERSION_PY})
    assert (seen.cuda_library, seen.cxx11_abi) == (False, None)


@pytest.mark.parametrize("version_py", ["__version__ = '2.2.2", "cuda = '12.1'\n", "\0", "__version__ = f()\n"])
def test_a_damaged_version_file_is_a_problem_and_not_a_version(tmp_path: Path, version_py: str) -> None:
    seen = read(tmp_path, torch_files(version_py=version_py))
    assert seen.version is None
    assert seen.problem is not None
    assert "version.py" in seen.problem


def test_no_torch_and_a_left_over_folder_are_told_apart(environment: Environment) -> None:
    assert environment.observe(TorchBuild) == TorchBuild(installed=False)
    (environment.site / "torch" / "lib").mkdir(parents=True)
    assert environment.observe(TorchBuild) == TorchBuild(
        installed=False, problem="torch is a folder without __init__.py"
    )


def test_the_torch_of_this_project_is_the_wheel_from_pypi() -> None:
    seen = TorchBuild.observe()
    if not seen.installed:
        pytest.skip("torch is not installed here")
    assert seen == FROM_PYPI
