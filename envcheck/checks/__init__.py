"""What is judged: a pure function of facts and expectations for each question. A check's docstring explains it."""

from __future__ import annotations

from envcheck.checks import (
    cuda_device,
    cuda_driver,
    glibc_floor,
    import_shadowing,
    kernel_architectures,
    kernel_floor,
    kernel_provenance,
    kernel_symbols,
    machine_resources,
    numpy_abi,
    package_bytecode,
    package_duplicates,
    package_files,
    package_hashes,
    package_origin,
    packages_locked,
    python_version,
    torch_build,
    torch_runtime,
    triton_probe,
    triton_toolchain,
)
from envcheck.core import Check

CHECKS: dict[str, Check] = {
    "cuda_device": cuda_device.check,
    "cuda_driver": cuda_driver.check,
    "glibc_floor": glibc_floor.check,
    "import_shadowing": import_shadowing.check,
    "kernel_architectures": kernel_architectures.check,
    "kernel_floor": kernel_floor.check,
    "kernel_provenance": kernel_provenance.check,
    "kernel_symbols": kernel_symbols.check,
    "machine_resources": machine_resources.check,
    "numpy_abi": numpy_abi.check,
    "package_bytecode": package_bytecode.check,
    "package_duplicates": package_duplicates.check,
    "package_files": package_files.check,
    "package_hashes": package_hashes.check,
    "package_origin": package_origin.check,
    "packages_locked": packages_locked.check,
    "python_version": python_version.check,
    "torch_build": torch_build.check,
    "torch_runtime": torch_runtime.check,
    "triton_probe": triton_probe.check,
    "triton_toolchain": triton_toolchain.check,
}
