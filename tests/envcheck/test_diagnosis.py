"""The texts as they were printed, each with what it must be told as and the command that mends it."""

from __future__ import annotations

import shlex

import pytest

from envcheck.diagnosis import diagnose

REBUILD = "bgb kernels build --install"
SHAPES = "bgb explain model_shapes"
NUMPY = "pip uninstall -y numpy && "
TRANSFORMERS = "pip install 'transformers>=4.36,<5'"

PACKAGES = {
    "AssertionError: Torch not compiled with CUDA enabled": ("torch is a build without CUDA", "pip uninstall -y torch"),
    "packaging.version.InvalidVersion: Invalid version: None": ("a build without CUDA", "pip uninstall -y torch"),
    "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.2.6 as it may crash.": ("numpy 2.2.6", NUMPY),
    "UserWarning: Failed to initialize NumPy: _ARRAY_API not found": ("numpy 2", NUMPY),
    "RuntimeError: Numpy is not available": ("numpy 2", NUMPY),
    "RuntimeError: Could not infer dtype of numpy.float32": ("numpy 2", NUMPY),
    "ImportError: cannot import name 'GreedySearchDecoderOnlyOutput' from 'transformers.generation' (/x.py)": (
        "transformers 5 no longer has GreedySearchDecoderOnlyOutput",
        TRANSFORMERS,
    ),
    "[transformers] Disabling PyTorch because PyTorch >= 2.6 is required but found 2.2.2": (
        "wants torch 2.6 or newer",
        TRANSFORMERS,
    ),
    "PyTorch was not found. Models won't be available and only tokenizers can be used.": (
        "does not take the torch",
        TRANSFORMERS,
    ),
    "ModuleNotFoundError: No module named 'setuptools'": ("setuptools is not", "pip uninstall -y setuptools && pip"),
    "AttributeError: 'NoneType' object has no attribute 'causal_conv1d_fwd'": ("causal_conv1d did not load", REBUILD),
    "error: <urlopen error [Errno -2] Name or service not known>": ("tried to download", REBUILD),
    "ImportError: The 'wheel.bdist_wheel' module has been removed. Please update your setuptools": (
        "wheel 0.46",
        "pip uninstall -y wheel",
    ),
    "ImportError: /a/b.so: file too short": ("b.so is cut short", REBUILD),
    "ImportError: /e/lib/python3.11/site-packages/safetensors/_s.abi3.so: invalid ELF header": (
        "_s.abi3.so is cut short",
        "pip uninstall -y safetensors",
    ),
    "ImportError: /lib/libc.so.6: version `GLIBC_2.32' not found (required by /a/scan.so)": (
        "scan.so needs GLIBC_2.32, which this system's libraries do not have",
        REBUILD,
    ),
    "version 'GLIBCXX_3.4.29' not found": ("needs GLIBCXX_3.4.29", REBUILD),
    "ImportError: libc10.so: cannot open shared object file: No such file or directory": (
        "libc10.so is not found: torch is not installed, or the extension was imported before torch",
        "pip uninstall -y torch",
    ),
    "ModuleNotFoundError: No module named 'selective_scan_cuda'": ("selective_scan_cuda is not installed", REBUILD),
    "ModuleNotFoundError: import of causal_conv1d halted; None in sys.modules": ("causal_conv1d is blocked", "unset"),
}
TOOLCHAIN = {
    "RuntimeError: \nThe detected CUDA version (13.0) mismatches the version that was used to compile\n"
    "PyTorch (12.1). Please make sure to use the same CUDA versions.\n": (
        "nvcc is of CUDA 13.0, torch of CUDA 12.1",
        "export CUDA_HOME=",
    ),
    "NameError: name 'bare_metal_version' is not defined": ("CUDA_HOME points nowhere", "export CUDA_HOME="),
    "FileNotFoundError: [Errno 2] No such file or directory: '/nope/bin/nvcc'": (
        "CUDA_HOME points",
        "export CUDA_HOME=",
    ),
    "subprocess.CalledProcessError: Command '['which', 'g++']' returned non-zero exit status 1.": (
        "g++ is not on PATH",
        "apt-get install -y build-essential",
    ),
    "FileNotFoundError: [Errno 2] No such file or directory: 'which'": ("`which` is missing", "apt-get install"),
    "UserWarning: Attempted to use ninja as the BuildExtension backend but we could not find ninja.. Falling back to "
    "using the slow distutils backend.": ("ninja is not on PATH", "pip install ninja"),
    "ninja: error: '/t/csrc/causal_conv1d.cpp', needed by 'x.o', missing and no known rule to make it": (
        "causal_conv1d.cpp is missing: the source distribution holds no CUDA sources",
        REBUILD,
    ),
    "Killed": ("killed for memory", "export MAX_JOBS=1"),
    "c++: fatal error: Killed signal terminated program cc1plus": ("killed for memory", "export MAX_JOBS=1"),
    "command terminated with exit code 137": ("killed for memory", "export MAX_JOBS=1"),
    "subprocess.CalledProcessError: Command '['ninja', '-v']' returned non-zero exit status 9.": (
        "killed for memory",
        "export MAX_JOBS=1",
    ),
    "nvcc fatal   : Unsupported gpu architecture 'compute_999'": (
        "does not compile for capability 99.9",
        "nvcc --list-gpu-arch",
    ),
    "#error -- unsupported GNU version! gcc versions later than 12 are not supported!": ("newer than", "export CC=gcc"),
    "RuntimeError: CUDA error: no kernel image is available for execution on the device": (
        "no code for this GPU",
        f"{REBUILD} --arch",
    ),
    "RuntimeError: CUDA error: the provided PTX was compiled with an unsupported toolchain.": ("newer than", REBUILD),
}
GPU = {
    "RuntimeError: Found no NVIDIA driver on your system.": ("no NVIDIA driver", "nvidia-smi"),
    "OSError: libcuda.so.1: cannot open shared object file: No such file or directory": ("no NVIDIA driver", "nvidia-"),
    "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040).": (
        "the driver serves CUDA 11.4",
        "sudo apt-get",
    ),
    "Unexpected error from cudaGetDeviceCount(). Did you run some cuda functions before calling NumCudaDevices() that "
    "might have already set an error? Error 803: system has unsupported display driver / cuda driver combination": (
        "of two releases",
        "sudo reboot",
    ),
    "Error 804: forward compatibility was attempted on non supported HW": ("cuda-compat", "export LD_LIBRARY_PATH="),
    "RuntimeError: No CUDA GPUs are available": ("shows no device", "unset CUDA_VISIBLE_DEVICES"),
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB": ("memory is full", "nvidia-smi"),
    "RuntimeError: CUDA error: uncorrectable ECC error encountered": ("memory is broken", "nvidia-smi"),
    "RuntimeError: CUDA error: CUDA-capable device(s) is/are busy or unavailable": ("another process", "nvidia-smi"),
    "RuntimeError: CUDA error: an illegal memory access was encountered": ("past its memory", "nvidia-smi"),
}
KERNELS = {
    "AttributeError: 'Mamba2' object has no attribute 'dconv'": ("causal_conv1d did not load", REBUILD),
    "  File \"/e/mamba_ssm/modules/mamba2.py\", line 210, in forward\nTypeError: 'NoneType' object is not callable": (
        "causal_conv1d did not load",
        REBUILD,
    ),
    "RuntimeError: causal_conv1d with channel last layout requires strides (x.stride(0) and x.stride(2)) to be "
    "multiples of 8": ("not multiples of 8", SHAPES),
    "RuntimeError: causal_conv1d only supports channel dimension divisible by 8 for now": ("multiples of 8", SHAPES),
    '  File "/e/mamba_ssm/modules/mamba2.py", line 82, in __init__\n    assert self.d_ssm % self.headdim == 0\n'
    "           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\nAssertionError": ("headdim does not divide the inner width", SHAPES),
    "RuntimeError: causal_conv1d only supports width between 2 and 4": ("d_conv is not 2, 3 or 4", SHAPES),
    "RuntimeError: selective_scan only supports state dimension <= 256": ("d_state is more than 256", SHAPES),
    "RuntimeError: This layer norm doesn't support feature dim >= 64KB.": ("d_model is wider", SHAPES),
    "RuntimeError: Expected x.is_cuda() to be true, but got false.": ("on the CPU", "nvidia-smi --list-gpus"),
    "RuntimeError: Failed to find C compiler. Please specify via CC environment variable.": (
        "no C compiler",
        "apt-get",
    ),
    "/tmp/t/main.c:2:10: fatal error: Python.h: No such file or directory": ("no Python headers", "apt-get install"),
    "AssertionError: libcuda.so cannot found! Possible files are located at ['/lib/x86_64-linux-gnu/libcuda.so.1']."
    "Please create a symlink of libcuda.so to any of the file.": ("finds no libcuda.so", "ln -s libcuda.so.1"),
    "FileNotFoundError: [Errno 2] No such file or directory: '/sbin/ldconfig'": (
        "/sbin/ldconfig is missing",
        "apt-get",
    ),
    "RuntimeError: Internal Triton PTX codegen error: \nptxas fatal   : Value 'sm_120' is not defined for option "
    "'gpu-name'": ("does not know sm_120", "nvidia-smi --query-gpu"),
}
TEXTS = {**PACKAGES, **TOOLCHAIN, **GPU, **KERNELS}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_told_by_its_class(text: str) -> None:
    cause, remedy = TEXTS[text]
    for given in (text, f"Traceback (most recent call last):\n  File x\n{text}\n"):
        diagnosis = diagnose(given)
        assert diagnosis is not None
        assert cause in diagnosis.cause
        assert diagnosis.remedy.startswith(remedy)


NEW_STRING = "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
SYMBOLS = {
    # what is decisive: an API that one range of releases alone has
    "_ZN3c104cuda9SetDeviceEi": "compiled for torch 2.2 or older, another one is installed",
    "_ZN3c104cuda9SetDeviceEa": "compiled for torch 2.3 to 2.7, another one is installed",
    "_ZN3c104cuda9SetDeviceEab": "compiled for a torch newer than 2.7, another one is installed",
    # torch 2.1 and 2.2 have one C++ ABI, which the old string in this name is of: it tells nothing apart
    "_ZN3c107WarningC1ENS_7variantIJNS0_11UserWarningEEEERKNS_14SourceLocationESsb": "compiled for torch 2.1 or older",
    f"_ZN3c107WarningC1ENS_7variantIJNS0_11UserWarningEEEERKNS_14SourceLocation{NEW_STRING}b": (
        "compiled for torch 2.1 or older and the new C++ ABI (cxx11abiTRUE)"
    ),
    f"_ZN3c107WarningC1ESt7variantIJNS0_11UserWarningEEERKNS_14SourceLocation{NEW_STRING}b": (
        "compiled with the new C++ ABI (cxx11abiTRUE), torch with the old"
    ),
    "_ZN3c107WarningC1ESt7variantIJNS0_11UserWarningEEERKNS_14SourceLocationESsb": (
        "compiled with the old C++ ABI (cxx11abiFALSE), torch with the new"
    ),
    "_ZN2at4_ops10zeros_like4callERKNS_6TensorE": "compiled for another torch than the one installed",
    # what is not torch's says nothing of torch
    "sqlite3_open": "needs sqlite3_open, which no library here has",
    "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE10_M_replaceEmmPKcm": "the C++ library of a newer compiler",
    "_PyThreadState_UncheckedGet": "made for another Python",
    "__cudaRegisterFatBinaryEnd": "made for another CUDA",
    "cublasLtCreate": "made for another CUDA",
}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_symbol_tells_who_built_an_extension(symbol: str) -> None:
    file = "selective_scan_cuda.cpython-311-x86_64-linux-gnu.so"
    diagnosis = diagnose(f"ImportError: /e/lib/python3.11/site-packages/{file}: undefined symbol: {symbol}")
    assert diagnosis is not None
    assert diagnosis.cause.startswith(file)
    assert SYMBOLS[symbol] in diagnosis.cause
    assert diagnosis.remedy == REBUILD


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("/e/torch/lib/libtorch_cuda.so: undefined symbol: ncclCommRegister", "libtorch_cuda.so, which torch brings"),
        (
            "libcusparse.so.12: undefined symbol: __nvJitLinkAddData_12_1, version libnvJitLink.so.12",
            "they have no __nvJitLinkAddData_12_1",
        ),
    ],
)
def test_a_library_of_torch_that_fits_no_longer_is_not_mended_by_compiling_kernels(text: str, cause: str) -> None:
    diagnosis = diagnose(f"ImportError: {text}")
    assert diagnosis is not None
    assert cause in diagnosis.cause
    assert diagnosis.package == "torch"


def test_an_error_at_the_end_counts_before_the_warnings_above_it() -> None:
    log = "\n".join(
        [
            "UserWarning: Failed to initialize NumPy: _ARRAY_API not found",
            "UserWarning: Attempted to use ninja as the BuildExtension backend but we could not find ninja..",
            "subprocess.CalledProcessError: Command '['which', 'g++']' returned non-zero exit status 1.",
        ]
    )
    for text in (log, f"{log}\nerror: subprocess-exited-with-error"):
        diagnosis = diagnose(text)
        assert diagnosis is not None
        assert diagnosis.cause == "g++ is not on PATH"


@pytest.mark.parametrize("text", TEXTS)
def test_a_cause_is_one_line_and_a_remedy_one_command(text: str) -> None:
    diagnosis = diagnose(text)
    assert diagnosis is not None
    assert "\n" not in diagnosis.cause + diagnosis.remedy
    programs = {"apt-get", "bgb", "df", "export", "ln", "nvcc", "nvidia-smi", "pip", "sudo", "unset"}
    assert shlex.split(diagnosis.remedy, comments=True)[0] in programs


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ValueError: something new",
        "ModuleNotFoundError: No module named 'mne'",
        "AssertionError",
        "TypeError: 'NoneType' object is not callable",
        "ConnectionResetError: [Errno 104] Connection reset by peer",
        "UserWarning: The detected CUDA version (12.4) has a minor version mismatch with the version that was used to "
        "compile PyTorch (12.1). Most likely this shouldn't be a problem.",
        "MemoryError: the process is out of memory",
        "AttributeError: 'NoneType' object has no attribute 'shape'",
    ],
)
def test_what_is_not_known_is_not_guessed(text: str) -> None:
    assert diagnose(text) is None
