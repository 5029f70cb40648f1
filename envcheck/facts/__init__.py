"""What can be seen of an environment: a dataclass and its `observe` for each thing looked at."""

from __future__ import annotations

from envcheck.core import Fact
from envcheck.facts.cuda_driver import CudaDriver
from envcheck.facts.machine import Machine
from envcheck.facts.package_bytecode import PackageBytecode
from envcheck.facts.package_files import PackageFiles
from envcheck.facts.package_hashes import PackageHashes
from envcheck.facts.packages import Packages
from envcheck.facts.python_build import PythonBuild
from envcheck.facts.shadowing import Shadowing
from envcheck.facts.torch_build import TorchBuild
from envcheck.facts.torch_runtime import TorchRuntime

FACTS: dict[str, type[Fact]] = {
    "cuda_driver": CudaDriver,
    "machine": Machine,
    "package_bytecode": PackageBytecode,
    "package_files": PackageFiles,
    "package_hashes": PackageHashes,
    "packages": Packages,
    "python_build": PythonBuild,
    "shadowing": Shadowing,
    "torch_build": TorchBuild,
    "torch_runtime": TorchRuntime,
}
