"""A repository as those of the kernels are: a setup.py with architectures of its own, a C++ file, a CUDA file."""

from __future__ import annotations

import subprocess
from pathlib import Path

SETUP = """
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension
setup(
    name="toy_scan",
    version="1.0",
    packages=["toy_scan"],
    ext_modules=[
        CUDAExtension(
            name="toy_scan_cuda",
            sources=["csrc/toy.cpp", "csrc/toy_kernel.cu"],
            extra_compile_args={
                "cxx": ["-O1"],
                "nvcc": ["-O1", "-gencode", "arch=compute_70,code=sm_70", "--threads", "4"],
            },
        )
    ],
    cmdclass={"build_ext": BuildExtension},
)
"""
CPP = """
#include <torch/extension.h>
#include <c10/cuda/CUDAGuard.h>
void launch(float *x, int n);
void twice(torch::Tensor x) {
    TORCH_CHECK(x.is_cuda(), "expected a tensor on a GPU, found one of ", x.numel(), " elements elsewhere");
    c10::cuda::CUDAGuard guard(x.device());
    launch(x.data_ptr<float>(), x.numel());
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("twice", &twice); }
"""
CUDA = """
__global__ void twice_kernel(float *x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] *= 2;
}
void launch(float *x, int n) { twice_kernel<<<(n + 255) / 256, 256>>>(x, n); }
"""


def make_repository(folder: Path, cpp: str = CPP) -> str:
    """Lay out and commit; gives the commit."""
    files = {"setup.py": SETUP, "toy_scan/__init__.py": "", "csrc/toy.cpp": cpp, "csrc/toy_kernel.cu": CUDA}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "Toy")):
        subprocess.run(["git", *command], cwd=folder, check=True)
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return asked.stdout.strip()


def write_lock(path: Path, repository: Path, commit: str) -> Path:
    path.write_text(f'[toy-scan]\nversion = "1.0"\nrepository = "file://{repository}"\ncommit = "{commit}"\n')
    return path
