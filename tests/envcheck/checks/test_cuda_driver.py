"""What a compiled stub can show is tested with the fact; here is what needs a kernel module."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.cuda_driver import check
from envcheck.core import Verdict
from envcheck.expectations import ExpectedGpu
from envcheck.facts.cuda_driver import CudaDriver
from tests.envcheck.sightings import DRIVER, context

STOPPED = replace(DRIVER, devices=())


def test_a_driver_that_works_passes() -> None:
    assert check(context(DRIVER)).summary == "driver for CUDA 12.2, NVIDIA A100-SXM4-80GB"


@pytest.mark.parametrize(
    ("driver", "summary", "remedy"),
    [
        (
            CudaDriver(load_error="libcuda.so.1: cannot open shared object file", kernel_module="535.104.05"),
            "the kernel has driver 535.104.05, and its library is not in here",
            "nvidia-smi  # fails too: start the container with --gpus all",
        ),
        (
            replace(STOPPED, init_code=803, init_name="MISMATCH", library_version="550.54.14"),
            "the library is of release 550.54.14 and the kernel module of 535.104.05: cuInit says 803 MISMATCH",
            "sudo reboot",
        ),
        (
            replace(STOPPED, init_code=804, library="/usr/local/cuda-12.4/compat/libcuda.so.550.54.14"),
            "a compatibility library, /usr/local/cuda-12.4/compat/libcuda.so.550.54.14, hides the driver's",
            "export LD_LIBRARY_PATH=",
        ),
        (replace(STOPPED, init_code=34), "the toolkit's stub was loaded in place of the driver", "export LD_LIBRARY"),
        (replace(STOPPED, init_code=802), "the fabric that joins the GPUs is not up", "sudo systemctl restart"),
        (replace(STOPPED, init_code=100, device_files=0), "no device is there: cuInit", "nvidia-smi"),
        (replace(STOPPED, init_code=100), "the driver shows too few devices: cuInit", "nvidia-smi --list-gpus"),
        (replace(DRIVER, version=None), "the driver serves CUDA unknown, expected 12.0 or newer", "sudo apt-get"),
    ],
)
def test_each_failure_names_its_own_cause(driver: CudaDriver, summary: str, remedy: str) -> None:
    finding = check(context(driver))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary.startswith(summary)
    assert finding.remedy.startswith(remedy)


def test_fewer_devices_than_the_run_needs_fail() -> None:
    finding = check(context(DRIVER, expect=(ExpectedGpu(count=8),)))
    assert finding.summary == "the driver shows too few devices: devices 1, expected 8"
