"""What the texts of a failed Triton compilation mean, as a sentence and a command that mends it."""

from __future__ import annotations

import re

from envcheck.core import Context, NotSeen
from envcheck.facts.python_build import PythonBuild
from envcheck.remedies import reinstall


def cause_of(context: Context, error: str, ptxas: str, packages: tuple[str, ...] = ("triton",)) -> tuple[str, str]:
    """Why Triton did not compile, and a remedy. `ptxas` is the assembler in words, with its release.

    Where the text says no more, what is left is to install `packages` anew.
    """
    if re.search(r"Value 'sm_\w+' is not defined", error):
        target = re.findall(r"Value '(sm_\w+)' is not defined", error)[0]
        return f"{ptxas} knows no {target}: the GPU is too new for this triton", GET_ANOTHER_GPU
    for pattern, cause, remedy in CAUSES:
        if re.search(pattern, error):
            return cause, remedy
    if "Python.h" in error:
        return "the C compiler finds no Python.h, which Triton's launchers include", install_headers(context)
    package = re.search(r"ModuleNotFoundError: No module named '(\w+)'", error)
    if package:
        return f"{package[1]} is not installed", reinstall(context, package[1].replace("_", "-"))
    return f"Triton says {last_words(error)}", reinstall(context, *packages)


GET_ANOTHER_GPU = (
    "nvidia-smi --query-gpu=name,compute_cap --format=csv  # then rent one of compute capability 9.0 or less"
)
INSTALL_COMPILER = "apt-get install -y gcc libc6-dev"
INSTALL_LDCONFIG = "apt-get install -y libc-bin"
CAUSES = (
    (
        r"Failed to find C compiler",
        "there is no C compiler: neither gcc nor clang is on PATH, and CC is not set",
        INSTALL_COMPILER,
    ),
    (
        r"No such file or directory: '/sbin/ldconfig'",
        "/sbin/ldconfig is missing, which Triton asks for the driver's library",
        INSTALL_LDCONFIG,
    ),
    (
        r"libcuda\.so cannot found|cannot find -lcuda",
        "the linker finds no libcuda.so, which must lie beside libcuda.so.1",
        "ln -s libcuda.so.1 $(dirname $(/sbin/ldconfig -p | awk '/libcuda.so.1/ {print $NF; exit}'))/libcuda.so",
    ),
    (
        r"fatal error: (?:std\w+|limits|string|dlfcn)\.h|cannot find (?:crt\w+\.o|-lc\b)",
        "the C compiler has no C library to compile with",
        INSTALL_COMPILER,
    ),
    (
        r"Cannot find ptxas",
        "Triton finds no ptxas that tells its version: its own is missing, or TRITON_PTXAS_PATH names another program",
        "unset TRITON_PTXAS_PATH",
    ),
    (
        r"Permission denied: '[^']*ptxas'|ptxas: (?:Permission denied|not found)",
        "ptxas, which assembles Triton's kernels, may not be executed",
        "chmod +x $(find / -path '*triton*' -name ptxas 2>/dev/null)",
    ),
    (r"No space left on device", "the disk is full where Triton compiles", "df -h ${TMPDIR:-/tmp}"),
    (
        r"could not get source code",
        "the source of a kernel is missing, and Triton compiles from source",
        "unset PYTHONPATH",
    ),
)


def install_headers(context: Context) -> str:
    """Python's headers as Debian and Ubuntu package them."""
    try:
        version = ".".join(context.facts[PythonBuild].version.split(".")[:2])
    except NotSeen:
        version = "3"
    return f"apt-get install -y python{version}-dev"


def last_words(error: str) -> str:
    """The end of a compiler's complaint, short enough for a sentence."""
    return error if len(error) <= 200 else f"... {error[-200:]}"
