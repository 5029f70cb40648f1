"""Facts and expectations as they are on a good day, for tests to change one thing of."""

from __future__ import annotations

from envcheck.core import Context, Expectation, Expectations, Fact, Facts
from envcheck.expectations import (
    ExpectedGpu,
    ExpectedMachine,
    ExpectedPackages,
    ExpectedPython,
    ExpectedTorch,
    LockedPackages,
)
from envcheck.facts.cuda_driver import CudaDevice, CudaDriver
from envcheck.facts.machine import Disk, Machine
from envcheck.facts.packages import Origin, Package, Packages
from envcheck.facts.python_build import PythonBuild
from envcheck.facts.torch_build import TorchBuild
from envcheck.facts.torch_runtime import NumpyBridge, TorchDevice, TorchRuntime

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
LOCK = LockedPackages(file="constraints.txt", digest="1" * 64, required=dict(VERSIONS), optional={"mamba-ssm": "2.2.2"})
EXPECTED: tuple[Expectation, ...] = (
    LOCK,
    ExpectedPython(version="3.11"),
    ExpectedPackages(allow_unlisted=("bgb", "pip")),
    ExpectedTorch(version="2.2.2+cu121", cuda="12.1"),
    ExpectedMachine(cores=24, memory_gib=95, shared_memory_gib=8, free_gib={"cache": 60}, glibc="2.32"),
    ExpectedGpu(names=("NVIDIA A100-SXM4-80GB", "NVIDIA A100 80GB PCIe"), memory_gib=79),
)


def context(*facts: Fact, expect: tuple[Expectation, ...] = ()) -> Context:
    """These facts beside what is expected on a good day; `expect` replaces what it has of the same kind."""
    stated = {item.key: item for item in (*EXPECTED, *expect)}
    return Context(facts=Facts.of(*facts), expect=Expectations.of(*stated.values()))
