"""The facts there are, and the occasions to look at them: an image built, a machine about to run, one with a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from envcheck.core import Fact, Json, Request, Suite, Tier
from envcheck.facts.build_tools import BuildTools
from envcheck.facts.cuda_driver import CudaDriver
from envcheck.facts.cuda_toolkit import CudaToolkit
from envcheck.facts.gpu_state import GpuState
from envcheck.facts.kernel_binaries import KernelBinaries
from envcheck.facts.kernel_load import KernelLoad
from envcheck.facts.kernel_numerics import KernelNumerics
from envcheck.facts.kernel_packages import KernelPackages
from envcheck.facts.kernel_path import KernelPath
from envcheck.facts.kernel_speed import KernelSpeed
from envcheck.facts.machine import Machine
from envcheck.facts.package_bytecode import PackageBytecode
from envcheck.facts.package_files import PackageFiles
from envcheck.facts.package_hashes import PackageHashes
from envcheck.facts.packages import Packages
from envcheck.facts.python_build import PythonBuild
from envcheck.facts.shadowing import Shadowing
from envcheck.facts.torch_build import TorchBuild
from envcheck.facts.torch_runtime import TorchRuntime
from envcheck.facts.triton_compile import TritonCompile
from envcheck.facts.triton_probe import TritonProbe
from envcheck.facts.triton_toolchain import TritonToolchain
from envcheck.kernel_shapes import LayerShape

FACTS: dict[str, type[Fact]] = {
    "build_tools": BuildTools,
    "cuda_driver": CudaDriver,
    "cuda_toolkit": CudaToolkit,
    "gpu_state": GpuState,
    "kernel_binaries": KernelBinaries,
    "kernel_load": KernelLoad,
    "kernel_numerics": KernelNumerics,
    "kernel_packages": KernelPackages,
    "kernel_path": KernelPath,
    "kernel_speed": KernelSpeed,
    "machine": Machine,
    "package_bytecode": PackageBytecode,
    "package_files": PackageFiles,
    "package_hashes": PackageHashes,
    "packages": Packages,
    "python_build": PythonBuild,
    "shadowing": Shadowing,
    "torch_build": TorchBuild,
    "torch_runtime": TorchRuntime,
    "triton_compile": TritonCompile,
    "triton_probe": TritonProbe,
    "triton_toolchain": TritonToolchain,
}

IMAGE = Suite(
    name="image",
    requests=(
        Request(fact=PythonBuild),
        Request(fact=Packages),
        Request(fact=PackageFiles),
        Request(fact=PackageHashes),
        Request(fact=PackageBytecode, parameters={"packages": ["torch", "triton", "numpy"]}),
        Request(fact=Shadowing),
        Request(fact=TorchBuild),
        Request(fact=TorchRuntime),
        Request(fact=Machine),
    ),
    checks={
        "python_version": Tier.QUICK,
        "packages_locked": Tier.QUICK,
        "torch_build": Tier.QUICK,
        "numpy_abi": Tier.QUICK,
        "package_origin": Tier.QUICK,
        "package_duplicates": Tier.QUICK,
        "package_files": Tier.QUICK,
        "import_shadowing": Tier.QUICK,
        "glibc_floor": Tier.QUICK,
        "package_hashes": Tier.STANDARD,
        "package_bytecode": Tier.STANDARD,
        "torch_runtime": Tier.STANDARD,
    },
    not_covered=(
        "files that no package lists and no import finds, such as data and configuration",
        "modules of the standard library that were edited in place",
        "a package whose RECORD was rewritten together with its files; its digest in the facts tells two places apart",
    ),
)

MACHINE = Suite(
    name="machine",
    requests=IMAGE.requests,
    checks={**IMAGE.checks, "machine_resources": Tier.QUICK},
    not_covered=IMAGE.not_covered,
)

GPU = Suite(
    name="gpu",
    requests=(*MACHINE.requests, Request(fact=CudaDriver)),
    checks={**MACHINE.checks, "cuda_driver": Tier.QUICK, "cuda_device": Tier.STANDARD},
    not_covered=(*MACHINE.not_covered, "whether the GPU computes right, or at its speed"),
)

KERNEL_BUILD = Suite(
    name="kernel-build",
    requests=(
        Request(fact=PythonBuild),
        Request(fact=Packages),
        Request(fact=TorchBuild),
        Request(fact=Machine),
        Request(fact=CudaToolkit),
        Request(fact=BuildTools),
    ),
    checks={
        "torch_build": Tier.QUICK,
        "cuda_toolkit": Tier.QUICK,
        "host_compiler": Tier.QUICK,
        "build_tools": Tier.QUICK,
        "build_memory": Tier.QUICK,
    },
    not_covered=("whether the upstream repositories can be reached",),
)


def compiling(layer: Mapping[str, int], *, batch: int, steps: int) -> dict[str, Json]:
    """What `triton_compile` is asked for, so that a training step of such layers finds everything compiled."""
    asked: dict[str, Json] = {**asdict(LayerShape(**layer)), "batch": batch, "steps": steps}
    return {"layers": [{**asked, "dtypes": ["float32", "bfloat16"]}]}


MADE_OF = (
    *(PythonBuild, Packages, PackageFiles, Shadowing, TorchBuild),
    *(KernelPackages, KernelBinaries, TritonToolchain),
)
"""While these stay as they are, so does what compiling and computing would show. Loading is never remembered: a
variable or a `sitecustomize` of the shell decides it too."""

KERNELS = Suite(
    name="kernels",
    requests=(
        Request(fact=PythonBuild),
        Request(fact=Packages),
        Request(fact=PackageFiles),
        Request(fact=Shadowing),
        Request(fact=TorchBuild),
        Request(fact=Machine),
        Request(fact=CudaDriver),
        Request(fact=KernelPackages),
        Request(fact=KernelBinaries),
        Request(fact=KernelLoad),
        Request(fact=TritonToolchain),
        Request(fact=TritonProbe),
        Request(fact=TritonCompile, parameters=compiling({}, batch=8, steps=960), fixed_by=MADE_OF),
    ),
    checks={
        "torch_build": Tier.QUICK,
        "numpy_abi": Tier.QUICK,
        "kernel_provenance": Tier.QUICK,
        "kernel_symbols": Tier.QUICK,
        "kernel_floor": Tier.QUICK,
        "kernel_architectures": Tier.QUICK,
        "kernel_load": Tier.STANDARD,
        "triton_toolchain": Tier.QUICK,
        "triton_probe": Tier.STANDARD,
        "triton_compile": Tier.DEEP,
    },
    not_covered=("whether the kernels compute right, or fast: no GPU was asked",),
)

KERNELS_GPU = Suite(
    name="kernels-gpu",
    requests=(
        *KERNELS.requests,
        Request(fact=TorchRuntime),
        Request(fact=GpuState),
        Request(fact=KernelNumerics, fixed_by=(*MADE_OF, CudaDriver)),
        Request(fact=KernelPath),
        Request(fact=KernelSpeed),
    ),
    checks={
        **KERNELS.checks,
        "torch_runtime": Tier.STANDARD,
        "cuda_driver": Tier.QUICK,
        "cuda_device": Tier.STANDARD,
        "gpu_state": Tier.QUICK,
        "kernel_numerics": Tier.DEEP,
        "kernel_path": Tier.DEEP,
        "kernel_speed": Tier.DEEP,
    },
    not_covered=("other shapes than the layer that was asked for",),
)

SUITES: dict[str, Suite] = {
    "image": IMAGE,
    "machine": MACHINE,
    "gpu": GPU,
    "kernel-build": KERNEL_BUILD,
    "kernels": KERNELS,
    "kernels-gpu": KERNELS_GPU,
}
