"""The driver's failures, made by a stub of its library that is compiled here, judged as a gate would judge them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from envcheck import stub_driver
from envcheck.checks import cuda_driver
from envcheck.core import Context, Expectations, Facts, Finding, Verdict
from envcheck.expectations import ExpectedGpu
from envcheck.facts.cuda_driver import CudaDevice, CudaDriver, kernel_module_in
from tests.envcheck.environments import Environment

PROJECT = Environment(prefix=Path(sys.prefix))


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for LD_LIBRARY_PATH."""
    if shutil.which("gcc") is None:
        pytest.skip("the stub driver needs gcc")
    return stub_driver.build(tmp_path_factory.mktemp("driver"), "gcc").parent


def look(library_path: Path, **variables: str) -> CudaDriver:
    return PROJECT.observe(CudaDriver, variables={"LD_LIBRARY_PATH": str(library_path), **variables})


def judge(driver: CudaDriver) -> Finding:
    return cuda_driver.check(Context(facts=Facts.of(driver), expect=Expectations.of(ExpectedGpu())))


def test_a_driver_that_works_tells_its_version_and_devices(stub: Path) -> None:
    driver = look(stub, FAKE_COUNT="1")
    assert (driver.load_error, driver.version, driver.init_code) == (None, 12040, 0)
    assert driver.library == str(stub / "libcuda.so.1")
    assert driver.devices == (CudaDevice(name="NVIDIA A100-SXM4-80GB", capability="8.0", memory_bytes=80 * 2**30),)
    finding = judge(driver)
    assert finding.verdict is Verdict.PASS
    assert finding.summary == "driver for CUDA 12.4, NVIDIA A100-SXM4-80GB"


@pytest.mark.skipif(Path("/proc/driver/nvidia").exists(), reason="this machine has a driver")
def test_a_machine_without_a_driver_says_what_the_loader_says(tmp_path: Path) -> None:
    driver = look(tmp_path)
    assert driver.load_error is not None
    assert driver.load_error.startswith("libcuda.so.1: cannot open shared object file")
    finding = judge(driver)
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "there is no NVIDIA driver")


def test_a_library_that_is_cut_short_is_not_taken_for_an_absent_driver(tmp_path: Path) -> None:
    (tmp_path / "libcuda.so.1").write_bytes(b"\x7fELF")
    driver = look(tmp_path)
    assert driver.load_error is not None
    assert "file too short" in driver.load_error


@pytest.mark.parametrize("version", ["11040", "11080"])
def test_a_driver_that_is_too_old_is_told_before_anything_else(stub: Path, version: str) -> None:
    finding = judge(look(stub, FAKE_DRV=version, FAKE_INIT="803"))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == f"the driver serves CUDA 11.{version[3]}, expected 12.0 or newer"


def test_the_oldest_driver_that_serves_the_major_version_is_new_enough(stub: Path) -> None:
    assert judge(look(stub, FAKE_DRV="12000", FAKE_COUNT="1")).verdict is Verdict.PASS


def test_a_compatibility_library_on_the_path_is_named(stub: Path, tmp_path: Path) -> None:
    compat = tmp_path / "cuda" / "compat"
    compat.mkdir(parents=True)
    shutil.copy(stub / "libcuda.so.1", compat / "libcuda.so.1")
    finding = judge(look(compat, FAKE_INIT="804"))
    assert finding.verdict is Verdict.FAIL
    assert f"a compatibility library, {compat / 'libcuda.so.1'}, hides the driver's" in finding.summary
    assert "grep -v /compat" in finding.remedy


def test_the_release_of_the_library_is_read_from_the_file_behind_the_link(stub: Path, tmp_path: Path) -> None:
    shutil.copy(stub / "libcuda.so.1", tmp_path / "libcuda.so.535.104.05")
    (tmp_path / "libcuda.so.1").symlink_to("libcuda.so.535.104.05")
    driver = look(tmp_path, FAKE_INIT="803")
    assert driver.library_version == "535.104.05"
    assert "803 CUDA_ERROR_SYSTEM_DRIVER_MISMATCH" in judge(driver).summary


@pytest.mark.parametrize("hidden", ["", "-1", "7"])
def test_a_device_hidden_by_a_variable_is_not_taken_for_an_absent_one(stub: Path, hidden: str) -> None:
    finding = judge(look(stub, FAKE_INIT="100", CUDA_VISIBLE_DEVICES=hidden))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary.startswith(f"CUDA_VISIBLE_DEVICES={hidden!r} hides devices")
    assert finding.remedy == "unset CUDA_VISIBLE_DEVICES"


def test_a_driver_that_starts_and_shows_no_device_does_not_pass(stub: Path) -> None:
    assert judge(look(stub, FAKE_COUNT="0")).verdict is Verdict.FAIL


def test_a_code_that_nobody_knows_is_told_as_it_is(stub: Path) -> None:
    driver = look(stub, FAKE_INIT="4711")
    assert (driver.init_code, driver.init_name) == (4711, None)
    assert "cuInit says 4711" in judge(driver).summary


@pytest.mark.parametrize(
    ("text", "release"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n"
            "GCC version:  gcc version 12.3.0 (Debian 12.3.0-9)\n",
            "535.104.05",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build  (builder)  Thu\n",
            "550.54.14",
        ),
        ("", None),
    ],
)
def test_the_release_of_the_kernel_module_is_read_in_both_its_spellings(text: str, release: str | None) -> None:
    assert kernel_module_in(text) == release
