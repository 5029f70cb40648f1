from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from wheel.wheelfile import WheelFile

from bgb.errors import KernelBuildFailed
from bgb.kernels.compile import nvcc_arguments
from bgb.kernels.wheelhouse import find, folder_name, keep, wheels_in
from tests.envcheck.sightings import CONV_COMMIT, CONV_FILE, kernel_build

BUILD = kernel_build(CONV_COMMIT, CONV_FILE)
INFO = "causal_conv1d-1.4.0.dist-info"
NAME = "causal_conv1d-1.4.0-cp311-cp311-linux_x86_64.whl"


def make_wheel(folder: Path, files: dict[str, str]) -> Path:
    """As a build leaves it, with a RECORD that fits: unpacking checks every hash."""
    folder.mkdir(parents=True, exist_ok=True)
    own = {
        f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: causal-conv1d\nVersion: 1.4.0\n",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-linux_x86_64\n",
    }
    with WheelFile(folder / NAME, "w") as wheel:
        for path, text in {**files, **own}.items():
            wheel.writestr(path, text)
    return folder / NAME


def test_a_folder_is_named_by_all_that_a_wheel_must_fit() -> None:
    name = folder_name(BUILD, "x86_64")
    assert name == "torch2.2.2+cu121-abi0-cpython-311-sm80-sm90-x86_64"


def test_a_kept_wheel_has_its_record_and_is_found_by_its_commit(tmp_path: Path) -> None:
    made = make_wheel(tmp_path / "dist", {CONV_FILE: "binary"})
    kept = keep(made, BUILD, tmp_path / "house", tmp_path / "scratch")
    assert list(kept.build.binaries) == [CONV_FILE]
    found = find(tmp_path / "house", "causal-conv1d", CONV_COMMIT)
    assert found is not None
    assert (found.name, found.version, found.build) == ("causal-conv1d", "1.4.0", kept.build)
    assert find(tmp_path / "house", "causal-conv1d", "0" * 40) is None
    with zipfile.ZipFile(found.path) as wheel:
        assert f"{INFO}/build.json,sha256=" in wheel.read(f"{INFO}/RECORD").decode()
    assert [path.name for path in (tmp_path / "house").iterdir()] == [NAME]


def test_a_wheel_without_an_extension_is_no_kernel(tmp_path: Path) -> None:
    made = make_wheel(tmp_path / "dist", {})
    with pytest.raises(KernelBuildFailed, match="holds no compiled extension"):
        keep(made, BUILD, tmp_path / "house", tmp_path / "scratch")


def test_wheels_that_were_not_made_here_and_junk_are_left_out(tmp_path: Path) -> None:
    make_wheel(tmp_path, {CONV_FILE: "downloaded"})
    (tmp_path / "junk.whl").write_text("no zip")
    assert list(wheels_in(tmp_path)) == []


def test_the_architectures_of_a_setup_py_are_replaced_and_all_else_is_kept() -> None:
    given = ["-O3", "-gencode", "arch=compute_53,code=sm_53", "-lineinfo", "--threads", "4"]
    assert nvcc_arguments(given, ["8.0", "9.0"], 1) == [
        *("-O3", "-lineinfo"),
        *("-gencode", "arch=compute_80,code=sm_80", "-gencode", "arch=compute_90,code=sm_90"),
        *("--threads", "1"),
    ]
