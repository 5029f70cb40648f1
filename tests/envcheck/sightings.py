"""Facts and expectations as they are on a good day, for tests to change one thing of."""

from __future__ import annotations

from envcheck.core import Context, Expectation, Expectations, Fact, Facts
from envcheck.expectations import (
    ExpectedGpu,
    ExpectedKernels,
    ExpectedMachine,
    ExpectedNumerics,
    ExpectedPackages,
    ExpectedPython,
    ExpectedSpeed,
    ExpectedTorch,
    LockedPackages,
)
from envcheck.facts.build_tools import BuildTools, Compiler
from envcheck.facts.cuda_driver import CudaDevice, CudaDriver
from envcheck.facts.cuda_toolkit import CudaToolkit
from envcheck.facts.gpu_state import GpuCard, GpuState
from envcheck.facts.kernel_binaries import KernelBinaries, KernelBinary
from envcheck.facts.kernel_load import KernelLoad, Rung
from envcheck.facts.kernel_numerics import KernelNumerics, TensorError
from envcheck.facts.kernel_packages import KernelBuild, KernelPackage, KernelPackages
from envcheck.facts.kernel_path import KernelPath
from envcheck.facts.kernel_speed import KernelSpeed
from envcheck.facts.machine import Disk, Machine
from envcheck.facts.packages import Origin, Package, Packages
from envcheck.facts.python_build import PythonBuild
from envcheck.facts.torch_build import TorchBuild
from envcheck.facts.torch_runtime import NumpyBridge, TorchDevice, TorchRuntime
from envcheck.load_rungs import RUNGS

GIB = 2**30
SITE = "lib/python3.11/site-packages"
VERSIONS = {"einops": "0.8.2", "numpy": "1.26.4", "setuptools": "84.2.1", "torch": "2.2.2"}


def package(name: str, version: str | None, **changes: object) -> Package:
    values: dict[str, object] = {
        "name": name,
        "version": version,
        "location": f"{SITE}/{name}-{version}.dist-info",
        "installer": "uv",
        "origin": Origin.INDEX,
        "url": None,
        "files": 10,
        "wheel": "0" * 64,
    }
    return Package(**{**values, **changes})  # type: ignore[arg-type]


def packages(*others: Package, versions: dict[str, str] | None = None) -> Packages:
    """The project as an editable installation, pip, and what is given."""
    project = package("bgb", "0.1.0", origin=Origin.EDITABLE, url="file://~/bgb")
    pip = package("pip", "24.0", installer="pip")
    listed = (package(*item) for item in (VERSIONS if versions is None else versions).items())
    return Packages(packages=(project, pip, *listed, *others))


PYTHON = PythonBuild(
    version="3.11.9",
    implementation="cpython",
    abi="cpython-311-x86_64-linux-gnu",
    extension_suffixes=(".cpython-311-x86_64-linux-gnu.so", ".abi3.so", ".so"),
    platform="linux-x86_64",
    debug=False,
    executable="~/bgb/.venv/bin/python",
    prefix="~/bgb/.venv",
    base_prefix="/usr",
    virtual_environment=True,
    system_site_packages=False,
    user_site=False,
    safe_path=False,
    ignores_environment=False,
    optimize=0,
    dev_mode=False,
    utf8_mode=False,
    hash_seed_fixed=False,
)
TORCH = TorchBuild(
    installed=True,
    version="2.2.2+cu121",
    cuda="12.1",
    git_version="39901f229520a5256505ec24782f716ee7ddc843",
    debug=False,
    metadata_version="2.2.2",
    cuda_library=True,
    cxx11_abi=False,
)
A100 = TorchDevice(name="NVIDIA A100-SXM4-80GB", memory_bytes=80 * GIB - 2**28, capability="8.0", processors=108)
RUNTIME = TorchRuntime(
    error=None,
    version="2.2.2+cu121",
    cuda="12.1",
    numpy=NumpyBridge(numpy="1.26.4", from_numpy="ok", as_tensor="float64"),
    cuda_available=True,
    devices=(A100,),
    architectures=("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"),
    cudnn_allow_tf32=True,
    float32_matmul_precision="highest",
    threads=24,
    interop_threads=24,
)
MACHINE = Machine(
    architecture="x86_64",
    kernel="6.1.0",
    system="Debian GNU/Linux 12 (bookworm)",
    glibc="2.36",
    cpu="AMD EPYC 7543",
    logical_cores=64,
    usable_cores=24.0,
    memory_bytes=96 * GIB,
    available_memory_bytes=90 * GIB,
    shared_memory_bytes=48 * GIB,
    disks=(Disk(name="cache", path="/data", total_bytes=500 * GIB, free_bytes=200 * GIB, writable=True),),
)
DRIVER = CudaDriver(
    load_error=None,
    library="/usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05",
    library_version="535.104.05",
    kernel_module="535.104.05",
    version=12020,
    init_code=0,
    init_name="CUDA_SUCCESS",
    devices=(CudaDevice(name="NVIDIA A100-SXM4-80GB", capability="8.0", memory_bytes=80 * GIB),),
    device_files=1,
)
TOOLKIT = CudaToolkit(home="/usr/local/cuda-12.1", decided_by="CUDA_HOME", nvcc=True, release="12.1", newest_gcc=12)
TOOLS = BuildTools(
    nvcc_compiler=Compiler(name="gcc", path="/usr/bin/gcc", version="12.2.0", gcc=True),
    cxx_compilers=(
        Compiler(name="c++", path="/usr/bin/c++", version="12.2.0", gcc=True),
        Compiler(name="g++", path="/usr/bin/g++", version="12.2.0", gcc=True),
    ),
    programs={"git": "/usr/bin/git", "ninja": "~/bgb/.venv/bin/ninja", "which": "/usr/bin/which"},
    packages={"ninja": "1.13.2", "packaging": "24.2", "setuptools": "84.2.1", "torch": "2.2.2", "wheel": "0.48.0"},
    ninja_version="1.13.0",
    max_jobs="2",
    nvcc_threads=1,
    nvcc_threads_variable=None,
)
CONV_COMMIT, MAMBA_COMMIT = "f8c246707eff3431b5cf2ce6defa4b7f309ea9fb", "8ffd905c91d207f5c0cc84fc2a2fb748655094f0"
CONV_FILE = "causal_conv1d_cuda.cpython-311-x86_64-linux-gnu.so"
SCAN_FILE = "selective_scan_cuda.cpython-311-x86_64-linux-gnu.so"


def kernel_build(commit: str, file: str, **changes: object) -> KernelBuild:
    values: dict[str, object] = {
        "repository": "https://github.com/upstream/kernels",
        "commit": commit,
        "torch": "2.2.2+cu121",
        "cuda": "12.1",
        "cxx11_abi": False,
        "python": "cpython-311",
        "toolkit": "12.1",
        "compiler": "g++ 12.2.0",
        "architectures": ("8.0", "9.0"),
        "built_at": "2026-11-24T08:00:00+00:00",
        "binaries": {file: "a" * 64},
    }
    return KernelBuild(**{**values, **changes})  # type: ignore[arg-type]


def kernel_package(name: str, version: str, commit: str, file: str) -> KernelPackage:
    return KernelPackage(
        name=name,
        version=version,
        generator="setuptools (69.5.1)",
        build=kernel_build(commit, file),
        binaries={file: "a" * 64},
    )


def kernel_binary(package: str, file: str, **changes: object) -> KernelBinary:
    values: dict[str, object] = {
        "package": package,
        "path": f"{SITE}/{file}",
        "needed_count": 57,
        "built_for": "torch 2.2",
        "cxx11_abi": False,
        "glibc": "2.32",
        "glibcxx": "3.4.29",
        "needed": ("libc10.so", "libtorch_cpu.so", "libcudart.so.12"),
        "machine_code": ("sm_80", "sm_90"),
    }
    return KernelBinary(**{**values, **changes})  # type: ignore[arg-type]


CONV_PACKAGE = kernel_package("causal-conv1d", "1.4.0", CONV_COMMIT, CONV_FILE)
MAMBA_PACKAGE = kernel_package("mamba-ssm", "2.2.2", MAMBA_COMMIT, SCAN_FILE)
KERNEL_PACKAGES = KernelPackages(packages=(CONV_PACKAGE, MAMBA_PACKAGE))
CONV_BINARY, SCAN_BINARY = kernel_binary("causal-conv1d", CONV_FILE), kernel_binary("mamba-ssm", SCAN_FILE)
KERNEL_BINARIES = KernelBinaries(
    binaries=(CONV_BINARY, SCAN_BINARY),
    libraries=(f"{SITE}/torch/lib/libc10.so", f"{SITE}/torch/lib/libtorch_cpu.so"),
    glibcxx="3.4.30",
)
KERNEL_LOAD = KernelLoad(rungs=tuple(Rung(name=name, tried=True, seconds=0.5) for name in RUNGS))
CARD = GpuCard(
    index=0,
    name="NVIDIA A100-SXM4-80GB",
    memory_mib=81920,
    used_mib=0,
    mig=False,
    ecc=True,
    uncorrected_errors=0,
    compute_mode="Default",
    driver="535.104.05",
    throttle="0x0000000000000000",
)
GPU_STATE = GpuState(cards=(CARD,), processes=(), switches={})
OPERATORS = ("causal_conv1d_fn", "mamba_chunk_scan_combined", "selective_scan_fn", "Mamba2")
NUMERICS = KernelNumerics(
    device="NVIDIA A100-SXM4-80GB",
    seed=7,
    errors=tuple(
        TensorError(
            operator=operator, case="batch 1, 960 steps", dtype=dtype, tensor=tensor, relative_error=error, finite=True
        )
        for operator in OPERATORS
        for dtype, error in (("float32", 3e-4), ("float16", 8e-4), ("bfloat16", 6e-3))
        for tensor in ("output", "dx")
    ),
)
PATH = KernelPath(
    device="NVIDIA A100-SXM4-80GB",
    switches={},
    kernels=(
        "_chunk_scan_bwd_dstates_kernel_0d1d2d",
        "_chunk_scan_fwd_kernel_0d1d2d",
        "_chunk_state_fwd_kernel_0d1d2d",
        "_state_passing_bwd_kernel_0d1d2d",
        "_state_passing_fwd_kernel_0d1d2d",
        "ampere_bf16_s16816gemm_bf16_128x128",
        "void causal_conv1d_channellast_bwd_kernel<Causal_conv1d_channellast_bwd_kernel_traits<128, 4>>",
        "void causal_conv1d_channellast_fwd_kernel<Causal_conv1d_channellast_fwd_kernel_traits<128, 4>>",
    ),
)
LAYER = {"d_model": 512, "d_state": 16, "d_conv": 4, "expand": 2, "headdim": 64, "ngroups": 1, "chunk_size": 256}
SPEED = KernelSpeed(
    device="NVIDIA A100-SXM4-80GB",
    layer=LAYER,
    layers=2,
    batch=64,
    steps=960,
    scan_seconds=2e-3,
    float32_seconds=90e-3,
    mixed_seconds=20e-3,
)
LOCK = LockedPackages(file="constraints.txt", digest="1" * 64, required=dict(VERSIONS), optional={"mamba-ssm": "2.2.2"})
EXPECTED: tuple[Expectation, ...] = (
    LOCK,
    ExpectedPython(version="3.11"),
    ExpectedPackages(allow_unlisted=("bgb", "pip")),
    ExpectedTorch(version="2.2.2+cu121", cuda="12.1"),
    ExpectedMachine(cores=24, memory_gib=95, shared_memory_gib=8, free_gib={"cache": 60}, glibc="2.32"),
    ExpectedGpu(names=("NVIDIA A100-SXM4-80GB", "NVIDIA A100 80GB PCIe"), memory_gib=79),
    ExpectedNumerics(),
    ExpectedSpeed(),
    ExpectedKernels(commits={"causal-conv1d": CONV_COMMIT, "mamba-ssm": MAMBA_COMMIT}),
)


def context(*facts: Fact, expect: tuple[Expectation, ...] = ()) -> Context:
    """These facts beside what is expected on a good day; `expect` replaces what it has of the same kind."""
    stated = {item.key: item for item in (*EXPECTED, *expect)}
    return Context(facts=Facts.of(*facts), expect=Expectations.of(*stated.values()))
