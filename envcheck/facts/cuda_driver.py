"""The CUDA driver, asked through `libcuda.so.1` itself: in a millisecond, without torch or the CUDA toolkit."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from envcheck.cgroups import read_text
from envcheck.core import Fact
from envcheck.places import shown
from envcheck.redact import redact

_LIBRARY = "libcuda.so.1"
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76  # CUdevice_attribute in cuda.h
_VERSION = r"\d+\.\d+(?:\.\d+)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaDevice:
    """A device as the driver names it."""

    name: str
    capability: str
    """Compute capability, as `8.0`."""
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaDriver(Fact):
    """What the driver's library answers, where it was loaded from, and what the kernel has."""

    key: ClassVar[str] = "cuda_driver"
    ttl_seconds: ClassVar[float | None] = 1800.0

    load_error: str | None
    """Why the library could not be loaded; None: it was."""
    library: str | None = None
    """The file that was loaded, links followed."""
    library_version: str | None = None
    """The driver release in that file's name, as `535.104.05`."""
    kernel_module: str | None = None
    """The release of the kernel module. User space and kernel must be of one release."""
    version: int | None = None
    """The newest CUDA that the driver serves, as 12040 for 12.4."""
    init_code: int | None = None
    """What `cuInit` returned; 0 is success."""
    init_name: str | None = None
    devices: tuple[CudaDevice, ...] = ()
    device_files: int = 0
    """How many `/dev/nvidia0` ... there are."""
    visible_devices: str | None = None
    """`CUDA_VISIBLE_DEVICES`; None: not set. Set and empty hides every device."""

    @classmethod
    def observe(cls) -> Self:
        """Load, initialise, ask. Touches no device's state."""
        module = kernel_module_in(read_text(Path("/proc/driver/nvidia/version")))
        files = sum(1 for path in Path("/dev").glob("nvidia*") if path.name.removeprefix("nvidia").isdecimal())
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        try:
            driver = ctypes.CDLL(_LIBRARY)
        except OSError as error:
            return cls(load_error=redact(str(error)), kernel_module=module, device_files=files, visible_devices=visible)
        file = _loaded_file(read_text(Path("/proc/self/maps")))
        version, code = ctypes.c_int(), int(driver.cuInit(0))
        return cls(
            load_error=None,
            library=shown(file) if file else None,
            library_version=_first(_VERSION, file.rpartition(".so.")[2]) if file else None,
            kernel_module=module,
            version=version.value if driver.cuDriverGetVersion(ctypes.byref(version)) == 0 else None,
            init_code=code,
            init_name=_error_name(driver, code),
            devices=tuple(_devices(driver)) if code == 0 else (),
            device_files=files,
            visible_devices=visible,
        )


def _devices(driver: ctypes.CDLL) -> Iterator[CudaDevice]:
    count = ctypes.c_int()
    if driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return
    for index in range(count.value):
        device, name, memory = ctypes.c_int(), ctypes.create_string_buffer(256), ctypes.c_size_t()
        major, minor = ctypes.c_int(), ctypes.c_int()
        driver.cuDeviceGet(ctypes.byref(device), index)
        driver.cuDeviceGetName(name, len(name), device)
        driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
        driver.cuDeviceGetAttribute(ctypes.byref(major), _CAPABILITY_MAJOR, device)
        driver.cuDeviceGetAttribute(ctypes.byref(minor), _CAPABILITY_MINOR, device)
        yield CudaDevice(
            name=name.value.decode(errors="replace"),
            capability=f"{major.value}.{minor.value}",
            memory_bytes=memory.value,
        )


def _error_name(driver: ctypes.CDLL, code: int) -> str | None:
    name = ctypes.c_char_p()
    known = driver.cuGetErrorName(code, ctypes.byref(name)) == 0
    return name.value.decode(errors="replace") if known and name.value else None


def _loaded_file(maps: str) -> str | None:
    """Which of the files called libcuda was taken: the search path may hold a compatibility or a stub library."""
    return _first(r"/\S.*/libcuda\.so[^/\n]*", maps)


def kernel_module_in(text: str) -> str | None:
    """The release in `/proc/driver/nvidia/version`: `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05 ...`"""
    line = next((line for line in text.splitlines() if line.startswith("NVRM")), "")
    return _first(rf"(?<=\s){_VERSION}(?=\s)", line)


def _first(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text)
    return found[0] if found else None
