"""From the text of a failure to its cause and a command. A class of texts is one row; what no row knows stays unknown.

The texts are those of torch 2.2, triton 2.2, mamba-ssm 2.2.2 and causal-conv1d 1.4.0, of pip, uv and nvcc.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

_LOCKED = "pip install --require-hashes --no-deps -r constraints.txt"
_REBUILD = "bgb kernels build --install"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why something failed, in half a sentence, and the command that mends it."""

    cause: str
    remedy: str


_Row: TypeAlias = tuple[str, Callable[[re.Match[str]], str] | str, str]

_ROWS: tuple[_Row, ...] = (
    # packages and ABI
    (r"detected CUDA version \((\S+)\) mismatches .* compile\s+PyTorch \((\S+)\)",
     lambda m: f"nvcc is of CUDA {m[1]}, torch of CUDA {m[2]}", "export CUDA_HOME=/usr/local/cuda-12.1"),
    (r"Torch not compiled with CUDA enabled|Invalid version: None|InvalidVersion.*'?None",
     "torch is a build without CUDA", _LOCKED),
    (r"compiled using NumPy 1\.x cannot be run in\s+NumPy (\S+)|_ARRAY_API not found|Numpy is not available"
     r"|Could not infer dtype of numpy",
     "numpy 2 is installed and torch 2.2 is compiled against numpy 1", _LOCKED),
    (r"cannot import name '(\w+)' from 'transformers",
     lambda m: f"transformers 5 no longer has {m[1]}, which mamba-ssm 2.2.2 imports",
     "pip install 'transformers>=4.36,<5'"),
    (r"Disabling PyTorch because PyTorch\s*>=\s*(\S+) is required",
     lambda m: f"this transformers wants torch {m[1]} or newer", "pip install 'transformers>=4.36,<5'"),
    (r"(\S+\.so): undefined symbol: (\S+)", lambda m: _undefined(m[1], m[2]), _REBUILD),
    (r"version [`']((?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found",
     lambda m: f"the extension needs {m[1]}, which this system's libraries do not have: it was linked on a newer one",
     _REBUILD),
    (r"(lib(?:c10|torch)\w*\.so)[^:]*: cannot open shared object file",
     lambda m: f"{m[1]} is not found: torch is not installed, or the extension was imported before torch", _LOCKED),
    (r"libcudart\.so\.(\d+)\S*: cannot open shared object file",
     lambda m: f"the extension was compiled for CUDA {m[1]}, which torch does not bring", _REBUILD),
    (r"(\S+\.so): (?:file too short|invalid ELF header)", lambda m: f"{_name(m[1])} is cut short or no library",
     _REBUILD),
    (r"No module named '(causal_conv1d_cuda|selective_scan_cuda|causal_conv1d|mamba_ssm)'",
     lambda m: f"{m[1]} is not installed for this Python", _REBUILD),
    (r"No module named '(setuptools|wheel|packaging|torch|einops|triton|transformers)'",
     lambda m: f"{m[1]} is not installed; the kernels need it and do not declare it", _LOCKED),
    (r"'wheel\.bdist_wheel' module has been removed", "wheel 0.46.0 or 0.46.1 beside setuptools before 70.1", _LOCKED),
    (r"urlopen error|CERTIFICATE_VERIFY_FAILED|Connection reset by peer",
     "setup.py tried to download a prebuilt wheel instead of compiling, and could not reach it", _REBUILD),
    # toolchain
    (r"'bare_metal_version' is not defined|No such file or directory: '\S*/bin/nvcc'",
     "CUDA_HOME points nowhere, or no nvcc was found", "export CUDA_HOME=/usr/local/cuda-12.1"),
    (r"gcc versions later than (\d+) are not supported",
     lambda m: f"the C++ compiler is newer than the gcc {m[1]} that nvcc accepts", "export CC=gcc-12 CXX=g++-12"),
    (r"\['which', '(\S+)'\]' returned non-zero", lambda m: f"{m[1]} is not on PATH",
     "apt-get install -y build-essential"),
    (r"No such file or directory: 'which'", "the program `which` is missing", "apt-get install -y debianutils"),
    (r"'(\S*csrc/\S+)', needed by .*missing and no known rule",
     lambda m: f"{m[1].rpartition('/')[2]} is missing: the source distribution holds no CUDA sources", _REBUILD),
    (r"No space left on device", "the disk is full", "df -h"),
    (r"(?m)^Killed|\bKilled\b.*cicc|exit code 137|non-zero exit status -?9\b|ninja: .*\bKilled\b|cc1plus.*Killed",
     "the compilers were killed for memory", "export MAX_JOBS=1 NVCC_THREADS=1"),
    # driver and GPU
    (r"Value '(sm_\d+)' is not defined for option 'gpu-name'",
     lambda m: f"the ptxas of this triton does not know {m[1]}: the GPU is newer than triton 2.2.0",
     "rent a GPU of capability 9.0 or lower"),
    (r"no kernel image is available", "a binary has no code for this GPU",
     "bgb kernels build --install --arch CAPABILITY"),
    (r"provided PTX was compiled with an unsupported toolchain", "the PTX is newer than the driver", _REBUILD),
    (r"Found no NVIDIA driver|libcuda\.so\.1: cannot open", "there is no NVIDIA driver here", "docker run --gpus all"),
    (r"driver on your system is too old \(found version (\d+)\)",
     lambda m: f"the driver serves CUDA {int(m[1]) // 1000}.{int(m[1]) % 1000 // 10}", "rent another host"),
    (r"Error 803|unsupported display driver", "libcuda and the kernel module are of two releases", "reboot"),
    (r"Error 804|forward compatibility was attempted", "a cuda-compat library hides the driver's",
     "export LD_LIBRARY_PATH=$(echo $LD_LIBRARY_PATH | tr : '\\n' | grep -v /compat | paste -sd:)"),
    (r"No CUDA GPUs are available", "the driver shows no device", "unset CUDA_VISIBLE_DEVICES"),
    (r"out of memory", "the GPU's memory is full", "nvidia-smi"),
    (r"uncorrectable ECC error|busy or unavailable|illegal memory access",
     "the card is broken, or held by another process", "nvidia-smi --query-compute-apps=pid,process_name --format=csv"),
    # kernels
    (r"'NoneType' object (?:has no attribute 'causal_conv1d|is not callable)|no attribute 'dconv'",
     "causal_conv1d did not load, and mamba_ssm says nothing of it and has no other way", _REBUILD),
    (r"strides .* multiples of 8|channel dimension divisible by 8",
     "the model's shapes are not multiples of 8 where causal_conv1d needs it", "bgb explain model_shapes"),
    (r"only supports width between 2 and 4", "d_conv is not 2, 3 or 4", "bgb explain model_shapes"),
    (r"state dimension <= 256", "d_state is more than 256", "bgb explain model_shapes"),
    (r"Expected x\.is_cuda\(\) to be true", "the model or its input is on the CPU", "set train.device: cuda"),
    (r"Failed to find C compiler", "triton compiles a launcher at run time and finds no C compiler",
     "apt-get install -y gcc"),
    (r"Python\.h: No such file", "triton compiles a launcher at run time and finds no Python headers",
     "apt-get install -y python3.11-dev"),
    (r"libcuda\.so cannot found", "triton links against libcuda.so, and only libcuda.so.1 is there",
     "ln -s libcuda.so.1 /usr/lib/x86_64-linux-gnu/libcuda.so"),
    (r"No such file or directory: '/sbin/ldconfig'", "triton runs /sbin/ldconfig, which is missing",
     "apt-get install -y libc-bin"),
)  # fmt: skip


def diagnose(text: str) -> Diagnosis | None:
    """The first row that knows a text; None: say what the text says, not what it might mean."""
    for pattern, cause, remedy in _ROWS:
        if found := re.search(pattern, text):
            return Diagnosis(cause=cause if isinstance(cause, str) else cause(found), remedy=remedy)
    return None


def _undefined(file: str, symbol: str) -> str:
    """Who built an extension shows in the name that its torch does not have."""
    name = _name(file)
    if "__cxx1112basic_string" in symbol:
        return f"{name} is compiled with the new C++ ABI (cxx11abiTRUE), torch with the old"
    if re.search(r"ESs|RKSs", symbol):
        return f"{name} is compiled with the old C++ ABI (cxx11abiFALSE), torch with the new"
    for fragment, builder in (
        ("9SetDeviceEab", "a torch newer than 2.7"),
        ("9SetDeviceEa", "torch 2.3 to 2.7"),
        ("9SetDeviceEi", "torch 2.2 or older"),
        ("NS_7variant", "torch 2.1 or older"),
        ("N3c108optional", "torch 2.1 or older"),
    ):
        if fragment in symbol:
            return f"{name} is compiled for {builder}, another one is installed"
    return f"{name} is compiled for another torch than the one installed (it has no {symbol})"


def _name(file: str) -> str:
    return file.rpartition("/")[2]
