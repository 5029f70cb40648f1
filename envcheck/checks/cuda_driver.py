"""The NVIDIA driver loads, is new enough, and starts.

torch turns each of these into the same quiet `is_available() == False`: no driver, one too old, user-space library and
kernel module of two releases after half an upgrade, a `compat` folder on the library path, a device hidden by
`CUDA_VISIBLE_DEVICES`. A training that falls back to the CPU then costs days.

How to fix: the finding names the cause; the driver's own library was asked, so torch has no part in it.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedGpu
from envcheck.facts.cuda_driver import CudaDriver

_NO_DEVICE = 100
_HAND_IN = "nvidia-smi  # fails too: start the container with --gpus all, or use a machine that has a GPU"
_MISMATCHES = (803, 804)
_WITHOUT = "LD_LIBRARY_PATH=$(tr : '\\n' <<< \"$LD_LIBRARY_PATH\" | grep -v /{folder} | paste -sd:)"
_CAUSES = {
    34: ("the toolkit's stub was loaded in place of the driver", f"export {_WITHOUT.format(folder='stubs')}"),
    802: ("the fabric that joins the GPUs is not up", "sudo systemctl restart nvidia-fabricmanager"),
    999: ("the driver gives no reason", "sudo nvidia-modprobe -c 0 -u  # if it stays, restart the machine"),
}


def check(context: Context) -> Finding:
    """Ask in the order in which CUDA's runtime does: load, version, start, devices."""
    driver, expected = context.facts[CudaDriver], context.expect[ExpectedGpu]
    if driver.load_error is not None:
        return _not_loaded(driver)
    version = Evidence(
        subject="CUDA of the driver", found=_dotted(driver.version), expected=f"{expected.driver_cuda} or newer"
    )
    if driver.version is None or driver.version < _number(expected.driver_cuda):
        return Finding.failed(
            f"the driver serves CUDA {version.found}, expected {version.expected}",
            version,
            *_about(driver),
            remedy="sudo apt-get install nvidia-driver-535  # or take another host",
        )
    if driver.init_code != 0:
        return _not_started(driver)
    count = Evidence(subject="devices", found=str(len(driver.devices)), expected=str(expected.count))
    if len(driver.devices) < expected.count:
        return _too_few(driver, count)
    names = ", ".join(device.name for device in driver.devices)
    return Finding.passed(f"driver for CUDA {version.found}, {names}", version, count, *_about(driver))


def _not_loaded(driver: CudaDriver) -> Finding:
    loaded = Evidence(subject="libcuda.so.1", found=driver.load_error or "", expected="the driver's library")
    if driver.kernel_module:
        cause = f"the kernel has driver {driver.kernel_module}, and its library is not in here"
        return Finding.failed(cause, loaded, *_about(driver), remedy=_HAND_IN)
    return Finding.failed("there is no NVIDIA driver", loaded, *_about(driver), remedy=_HAND_IN)


def _not_started(driver: CudaDriver) -> Finding:
    code = Evidence(subject="cuInit", found=f"{driver.init_code} {driver.init_name or ''}".strip(), expected="0")
    if driver.init_code == _NO_DEVICE:
        return _too_few(driver, code)
    if driver.init_code in _MISMATCHES:
        cause, remedy = _mismatch(driver)
    else:
        cause, remedy = _CAUSES.get(driver.init_code or 0, ("the driver does not start", "nvidia-smi"))
    return Finding.failed(f"{cause}: cuInit says {code.found}", code, *_about(driver), remedy=remedy)


def _mismatch(driver: CudaDriver) -> tuple[str, str]:
    if "/compat/" in (driver.library or ""):
        return (
            f"a compatibility library, {driver.library}, hides the driver's",
            f"export {_WITHOUT.format(folder='compat')}",
        )
    if driver.library_version and driver.kernel_module and driver.library_version != driver.kernel_module:
        found = f"the library is of release {driver.library_version} and the kernel module of {driver.kernel_module}"
        return found, "sudo reboot"
    return "user space and kernel module do not fit", "sudo reboot  # after an upgrade the old module is still loaded"


def _too_few(driver: CudaDriver, evidence: Evidence) -> Finding:
    if driver.visible_devices is not None:
        cause, remedy = f"CUDA_VISIBLE_DEVICES={driver.visible_devices!r} hides devices", "unset CUDA_VISIBLE_DEVICES"
    elif driver.device_files == 0:
        cause, remedy = "no device is there", _HAND_IN
    else:
        cause, remedy = "the driver shows too few devices", "nvidia-smi --list-gpus"
    found = f"{evidence.subject} {evidence.found}, expected {evidence.expected}"
    return Finding.failed(f"{cause}: {found}", evidence, *_about(driver), remedy=remedy)


def _about(driver: CudaDriver) -> tuple[Evidence, ...]:
    visible = "not set" if driver.visible_devices is None else repr(driver.visible_devices)
    return (
        Evidence(subject="library", found=driver.library or "not loaded"),
        Evidence(subject="kernel module", found=driver.kernel_module or "not loaded"),
        Evidence(subject="/dev/nvidia*", found=str(driver.device_files)),
        Evidence(subject="CUDA_VISIBLE_DEVICES", found=visible),
    )


def _number(dotted: str) -> int:
    major, _, minor = dotted.partition(".")
    return int(major) * 1000 + int(minor or 0) * 10


def _dotted(number: int | None) -> str:
    return "unknown" if number is None else f"{number // 1000}.{number % 1000 // 10}"
