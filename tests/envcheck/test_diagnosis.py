"""The texts as they were printed, each with what it must be told as."""

from __future__ import annotations

import pytest

from envcheck.diagnosis import diagnose

TEXTS = {
    "AssertionError: Torch not compiled with CUDA enabled": "without CUDA",
    "packaging.version.InvalidVersion: Invalid version: None": "without CUDA",
    "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.2.6 as it may crash.": "numpy 2",
    "RuntimeError: Numpy is not available": "numpy 2",
    "RuntimeError: Could not infer dtype of numpy.float32": "numpy 2",
    "ImportError: cannot import name 'GreedySearchDecoderOnlyOutput' from 'transformers.generation' (/x.py)": (
        "no longer has GreedySearchDecoderOnlyOutput"
    ),
    "[transformers] Disabling PyTorch because PyTorch >= 2.6 is required but found 2.2.2": "wants torch 2.6",
    "ModuleNotFoundError: No module named 'setuptools'": "setuptools is not installed",
    "ImportError: /a/selective_scan_cuda.cpython-311.so: undefined symbol: _ZN3c104cuda9SetDeviceEi": (
        "selective_scan_cuda.cpython-311.so is compiled for torch 2.2 or older"
    ),
    "x.so: undefined symbol: _ZN3c104cuda9SetDeviceEa": "torch 2.3 to 2.7",
    "x.so: undefined symbol: _ZN3c107WarningC1ESt7variantINSt7__cxx1112basic_stringIcEE": "new C++ ABI",
    "x.so: undefined symbol: _ZN3c107WarningC1ESt7variantIJEERKNS_14SourceLocationESsb": "old C++ ABI",
    "x.so: undefined symbol: _ZN2at4_ops10zeros_like4callERKNS_6TensorE": "another torch than the one installed",
    "AttributeError: 'NoneType' object has no attribute 'causal_conv1d_fwd'": "causal_conv1d did not load",
    "AttributeError: 'Mamba2' object has no attribute 'dconv'": "causal_conv1d did not load",
    "error: <urlopen error [Errno -2] Name or service not known>": "tried to download",
    "ImportError: The 'wheel.bdist_wheel' module has been removed. Please update your setuptools": "wheel 0.46",
    "ModuleNotFoundError: No module named 'selective_scan_cuda'": "selective_scan_cuda is not installed",
    "ImportError: /a/b.so: file too short": "b.so is cut short",
    "ImportError: /lib/libc.so.6: version `GLIBC_2.32' not found (required by /a/b.so)": "needs GLIBC_2.32",
    "ImportError: libc10.so: cannot open shared object file: No such file or directory": "libc10.so is not found",
    "RuntimeError: The detected CUDA version (13.0) mismatches the version that was used to compile\n"
    "PyTorch (12.1). Please make sure to use the same CUDA versions.": "nvcc is of CUDA 13.0, torch of CUDA 12.1",
    "NameError: name 'bare_metal_version' is not defined": "CUDA_HOME points nowhere",
    "FileNotFoundError: [Errno 2] No such file or directory: '/nope/bin/nvcc'": "CUDA_HOME points nowhere",
    "subprocess.CalledProcessError: Command '['which', 'g++']' returned non-zero exit status 1.": "g++ is not on PATH",
    "FileNotFoundError: [Errno 2] No such file or directory: 'which'": "`which` is missing",
    "ninja: error: '/t/csrc/causal_conv1d.cpp', needed by 'x.o', missing and no known rule to make it": (
        "causal_conv1d.cpp is missing"
    ),
    "subprocess.CalledProcessError: Command '['ninja', '-v']' returned non-zero exit status 9.": "killed for memory",
    "#error -- unsupported GNU version! gcc versions later than 12 are not supported!": "newer than the gcc 12",
    "RuntimeError: CUDA error: no kernel image is available for execution on the device": "no code for this GPU",
    "the provided PTX was compiled with an unsupported toolchain.": "newer than the driver",
    "RuntimeError: Found no NVIDIA driver on your system.": "no NVIDIA driver",
    "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040).": "serves CUDA 11.4",
    "Error 803: system has unsupported display driver / cuda driver combination": "of two releases",
    "Error 804: forward compatibility was attempted on non supported HW": "cuda-compat",
    "RuntimeError: No CUDA GPUs are available": "shows no device",
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB": "memory is full",
    "RuntimeError: CUDA error: uncorrectable ECC error encountered": "broken, or held",
    "RuntimeError: causal_conv1d with channel last layout requires strides (x.stride(0) and x.stride(2)) to be "
    "multiples of 8": "not multiples of 8",
    "RuntimeError: causal_conv1d only supports width between 2 and 4": "d_conv is not 2, 3 or 4",
    "RuntimeError: selective_scan only supports state dimension <= 256": "d_state is more than 256",
    "RuntimeError: Expected x.is_cuda() to be true, but got false.": "on the CPU",
    "RuntimeError: Failed to find C compiler. Please specify via CC environment variable.": "finds no C compiler",
    "/tmp/t/main.c:2:10: fatal error: Python.h: No such file or directory": "no Python headers",
    "AssertionError: libcuda.so cannot found! Possible files are located at ['/lib/x'].": "only libcuda.so.1",
    "FileNotFoundError: [Errno 2] No such file or directory: '/sbin/ldconfig'": "/sbin/ldconfig, which is missing",
    "RuntimeError: Internal Triton PTX codegen error: \nptxas fatal   : Value 'sm_120' is not defined for option "
    "'gpu-name'": "does not know sm_120",
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_told_by_its_class(text: str) -> None:
    diagnosis = diagnose(f"Traceback (most recent call last):\n  File x\n{text}\n")
    assert diagnosis is not None
    assert TEXTS[text] in diagnosis.cause
    assert diagnosis.remedy


@pytest.mark.parametrize("text", ["", "ValueError: something new", "ModuleNotFoundError: No module named 'mne'"])
def test_what_is_not_known_is_not_guessed(text: str) -> None:
    assert diagnose(text) is None
