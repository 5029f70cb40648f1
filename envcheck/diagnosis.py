"""From the text of a failure to its cause and a command. A class of texts is one row; what no row knows stays unknown.

The texts are those of torch 2.2, triton 2.2, mamba-ssm 2.2.2 and causal-conv1d 1.4.0, of pip, uv and nvcc.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from envcheck.torch_names import builder_of, cxx11_abi
from envcheck.triton_causes import CAUSES as TRITON_CAUSES

_LOCKED = "pip install --require-hashes --no-deps -r constraints.txt"
_REBUILD = "bgb kernels build --install"
_TRANSFORMERS = "pip install 'transformers>=4.36,<5'"
_TOOLKIT = "export CUDA_HOME=/usr/local/cuda-12.1"
_SHAPES = "bgb explain model_shapes"
_WITHOUT_COMPAT = "export LD_LIBRARY_PATH=$(tr : '\\n' <<< \"$LD_LIBRARY_PATH\" | grep -v /compat | paste -sd:)"
_THIS_GPU = '"$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1)"'
_KERNELS = ("causal_conv1d", "mamba_ssm")
_CARD = (
    "nvidia-smi --query-gpu=ecc.errors.uncorrected.volatile.total,compute_mode --format=csv  # then take another card"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why something failed, in half a sentence, and the command that mends it."""

    cause: str
    remedy: str
    package: str | None = None
    """What has to be installed again as the lock has it, where that mends it; `remedy` does so without the place."""


class _Package(str):
    """The name of what has to be installed again, where a row would otherwise have a command."""

    __slots__ = ()


_Match: TypeAlias = re.Match[str]
_Words: TypeAlias = str | Callable[[_Match], str]

_ROWS: tuple[tuple[str, _Words, _Words], ...] = (
    # packages and ABI
    (r"detected CUDA version \((\S+)\) mismatches .* compile\s+PyTorch \((\S+)\)",
     lambda m: f"nvcc is of CUDA {m[1]}, torch of CUDA {m[2]}", _TOOLKIT),
    (r"Torch not compiled with CUDA enabled|Invalid version: '?None|InvalidVersion.*'?None",
     "torch is a build without CUDA", _Package("torch")),
    (r"Numpy is not available|Could not infer dtype of numpy\.|numpy\.dtype size changed"
     r"|multiarray failed to import",
     "numpy 2 is installed and torch 2.2 is compiled against numpy 1", _Package("numpy")),
    (r"cannot import name '(\w+)' from 'transformers",
     lambda m: f"transformers 5 no longer has {m[1]}, which mamba-ssm 2.2.2 imports", _Package("transformers")),
    (r"(?:^|[\s/])(lib[^\s/:]*\.so[.\d]*): undefined symbol: ([^\s,]+)",
     lambda m: f"{m[1]}, which torch brings or loads, does not fit the libraries beside it: they have no {m[2]}",
     _Package("torch")),
    (r"(\S+\.so): undefined symbol: ([^\s,]+)", lambda m: _undefined(_name(m[1]), m[2]), lambda m: _made_again(m[1])),
    (r"version [`']((?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found(?: \(required by ([^\s)]+))?",
     lambda m: f"{_name(m[2] or 'the extension')} needs {m[1]}, which this system's libraries do not have: it was "
     "linked on a newer one", lambda m: _made_again(m[2] or "")),
    (r"(lib(?:c10|torch)\w*\.so)[^:]*: cannot open shared object file",
     lambda m: f"{m[1]} is not found: torch is not installed, or the extension was imported before torch",
     _Package("torch")),
    (r"libcudart\.so\.(\d+)\S*: cannot open shared object file",
     lambda m: f"the extension was compiled for CUDA {m[1]}, which torch does not bring", _REBUILD),
    (r"(\S+\.so[.\d]*): (?:file too short|invalid ELF header)",
     lambda m: f"{_name(m[1])} is cut short or no library", lambda m: _made_again(m[1])),
    (r"No module named '(causal_conv1d_cuda|selective_scan_cuda|causal_conv1d|mamba_ssm)\b",
     lambda m: f"{m[1]} is not installed for this Python", _REBUILD),
    (r"import of (causal_conv1d|mamba_ssm)\S* halted; None in sys\.modules",
     lambda m: f"{m[1]} is blocked: something put None in its place in sys.modules", "unset PYTHONPATH"),
    (r"No module named '(setuptools|wheel|packaging|torch|einops|triton|transformers)\b",
     lambda m: f"{m[1]} is not installed; the kernels need it and do not declare it", lambda m: _Package(m[1])),
    (r"'wheel\.bdist_wheel' module has been removed", "wheel 0.46.0 or 0.46.1 beside setuptools before 70.1",
     _Package("wheel")),
    (r"urlopen error",
     "setup.py tried to download a prebuilt wheel instead of compiling, and could not reach it", _REBUILD),
    # toolchain
    (r"'bare_metal_version' is not defined|No such file or directory: '\S*/bin/nvcc'"
     r"|CUDA_HOME environment variable is not set",
     "CUDA_HOME points nowhere, or no nvcc was found", _TOOLKIT),
    (
        r"Unsupported gpu architecture 'compute_(\d+)'",
        lambda m: f"this nvcc does not compile for capability {int(m[1]) / 10:g}",
        "nvcc --list-gpu-arch",
    ),
    (r"gcc versions later than (\d+) are not supported",
     lambda m: f"the C++ compiler is newer than the gcc {m[1]} that nvcc accepts", "export CC=gcc-12 CXX=g++-12"),
    (r"\['which', '(\S+)'\]' returned non-zero", lambda m: f"{m[1]} is not on PATH",
     "apt-get install -y build-essential"),
    (r"No such file or directory: 'which'", "the program `which` is missing", "apt-get install -y debianutils"),
    (r"'(\S*csrc/\S+)', needed by .*missing and no known rule",
     lambda m: f"{_name(m[1])} is missing: the source distribution holds no CUDA sources", _REBUILD),
    (r"No space left on device", "the disk is full", "df -h"),
    (r"(?m)^Killed\b|\bKilled\b.*cicc|exit code 137|non-zero exit status (?:-?9|137)\b|ninja: .*\bKilled\b"
     r"|\bKilled signal",
     "the compilers were killed for memory", "export MAX_JOBS=1"),
    # driver and GPU
    (r"Value '(sm_\w+)' is not defined for option 'gpu-name'",
     lambda m: f"the ptxas of this triton does not know {m[1]}: the GPU is newer than triton 2.2.0",
     "nvidia-smi --query-gpu=name,compute_cap --format=csv  # then rent one of compute capability 9.0 or less"),
    (r"no kernel image is available", "a binary has no code for this GPU",
     f"bgb kernels build --install --arch {_THIS_GPU}"),
    (r"provided PTX was compiled with an unsupported toolchain", "the PTX is newer than the driver",
     f"bgb kernels build --install --arch {_THIS_GPU}"),
    (r"Found no NVIDIA driver|libcuda\.so\.1: cannot open", "there is no NVIDIA driver here",
     "nvidia-smi  # fails too: start the container with --gpus all, or use a machine that has a GPU"),
    (r"driver on your system is too old \(found version (\d+)\)",
     lambda m: f"the driver serves CUDA {int(m[1]) // 1000}.{int(m[1]) % 1000 // 10}, and torch needs 12.0",
     "sudo apt-get install nvidia-driver-535  # or take another host"),
    (r"Error 803|unsupported display driver", "libcuda and the kernel module are of two releases",
     "sudo reboot  # after an upgrade the old module is still loaded"),
    (r"Error 804|forward compatibility was attempted", "a cuda-compat library hides the driver's", _WITHOUT_COMPAT),
    (r"No CUDA GPUs are available|no CUDA-capable device is detected", "the driver shows no device",
     "unset CUDA_VISIBLE_DEVICES"),
    (r"CUDA out of memory|CUDA error: out of memory|OutOfMemoryError", "the GPU's memory is full",
     "nvidia-smi --query-gpu=name,memory.total,memory.used,mig.mode.current --format=csv"),
    (r"uncorrectable ECC error", "the card's memory is broken", _CARD),
    (r"device\(s\) is/are busy or unavailable", "another process holds the card, or it is in exclusive mode",
     "nvidia-smi --query-compute-apps=pid,process_name --format=csv"),
    (r"an illegal memory access was encountered",
     "a kernel read or wrote past its memory: a fault of the kernel, or of the card", _CARD),
    # kernels
    (r"'NoneType' object has no attribute 'causal_conv1d|'Mamba2?' object has no attribute 'dconv'"
     r"|(?s:\b(?:causal_conv1d|mamba_ssm)\b.*)'NoneType' object is not callable",
     "causal_conv1d did not load, and mamba_ssm says nothing of it and has no other way", _REBUILD),
    (r"requires strides .* multiples of 8|channel dimension divisible by 8",
     "the model's shapes are not multiples of 8 where causal_conv1d needs it", _SHAPES),
    (r"only supports width between 2 and 4", "d_conv is not 2, 3 or 4", _SHAPES),
    (r"state dimension <= 256", "d_state is more than 256", _SHAPES),
    (r"layer norm doesn't support feature dim >= 64KB", "d_model is wider than the fused layer norm takes", _SHAPES),
    (r"assert self\.d_ssm % self\.headdim == 0", "headdim does not divide the inner width, expand times d_model",
     _SHAPES),
    (r"Expected \w+\.is_cuda\(\) to be true", "the model or its input is on the CPU",
     "nvidia-smi --list-gpus  # then set train.device: cuda"),
    (r"Python\.h: No such file", "triton compiles a launcher at run time and finds no Python headers",
     "apt-get install -y python3.11-dev"),
    *TRITON_CAUSES,
    # warnings: they stand in a log long before the error that ends it, so everything else comes first
    (r"compiled using NumPy 1\.x cannot be run in\s+NumPy (\S+)",
     lambda m: f"numpy {m[1]} is installed and torch 2.2 is compiled against numpy 1", _Package("numpy")),
    (r"_ARRAY_API not found", "numpy 2 is installed and torch 2.2 is compiled against numpy 1", _Package("numpy")),
    (r"Disabling PyTorch because PyTorch\s*>=\s*(\S+) is required",
     lambda m: f"this transformers wants torch {m[1]} or newer", _Package("transformers")),
    (r"PyTorch was not found\. Models won't be available",
     "this transformers does not take the torch that is installed", _Package("transformers")),
    (r"could not find ninja|Falling back to using the slow distutils",
     "ninja is not on PATH, so compiling takes longer", "pip install ninja"),
)  # fmt: skip
"""The class of a text, its cause, and the command, or the package whose reinstallation mends it."""


def diagnose(text: str) -> Diagnosis | None:
    """What the first row that knows it says: of the last line, where errors stand, or else of the whole text."""
    lines = text.strip().splitlines()
    for part in (*lines[-1:], text):
        for pattern, cause, mend in _ROWS:
            if found := re.search(pattern, part):
                return _diagnosis(*(words if isinstance(words, str) else words(found) for words in (cause, mend)))
    return None


def _diagnosis(cause: str, mend: str) -> Diagnosis:
    if not isinstance(mend, _Package):
        return Diagnosis(cause=cause, remedy=mend)
    remedy = _TRANSFORMERS if mend == "transformers" else f"pip uninstall -y {mend} && {_LOCKED}"
    return Diagnosis(cause=cause, remedy=remedy, package=str(mend))


_OTHERS = (
    (r"^_ZN?K?St", "the C++ library of a newer compiler"),
    (r"^_?Py[A-Z_]", "another Python"),
    (r"^(?:__)?cu[a-z]*[A-Z]", "another CUDA"),
)


def _undefined(name: str, symbol: str) -> str:
    """Who built an extension shows in the name that nothing here has."""
    if not re.search(r"c10|_ZNK?2at|at4|torch|caffe2", symbol):
        other = next((words for pattern, words in _OTHERS if re.search(pattern, symbol)), None)
        return f"{name} needs {symbol}, which no library here has" + (f": it was made for {other}" if other else "")
    abi = cxx11_abi([symbol])
    new, old = abi is True, abi is False
    builder = builder_of(symbol)
    if builder is not None:
        also = " and the new C++ ABI (cxx11abiTRUE)" if new else ""
        return f"{name} is compiled for {builder}{also}, another one is installed"
    if new:
        return f"{name} is compiled with the new C++ ABI (cxx11abiTRUE), torch with the old or of another release"
    if old:
        return f"{name} is compiled with the old C++ ABI (cxx11abiFALSE), torch with the new or of another release"
    return f"{name} is compiled for another torch than the one installed (it has no {symbol})"


def _made_again(file: str) -> str:
    """The command for a binary: the kernels are compiled here, everything else comes from the lock."""
    folders = re.search(r"site-packages/(\w+)/", file)
    if folders and folders[1] not in _KERNELS:
        return _Package(folders[1].replace("_", "-"))
    return _REBUILD


def _name(file: str) -> str:
    return file.rpartition("/")[2]
