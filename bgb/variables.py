"""Every environment variable that this project reads, and the foreign ones that can change a run. Tables, no I/O.

A setting never takes effect on its own: the configuration's `environment.allow` has to name it with its value, and the
key that it states has to agree. An action does something once, before the gate looks, and changes no result.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Values(StrEnum):
    """What a declared variable may be set to. Empty is never a value."""

    SWITCH = "0 or 1"
    COUNT = "a positive integer"


PATTERNS: Mapping[Values, re.Pattern[str]] = {
    Values.SWITCH: re.compile(r"[01]"),
    Values.COUNT: re.compile(r"[1-9][0-9]{0,8}"),
}


class Kind(StrEnum):
    """Whether a variable does something once or states what the configuration says."""

    ACTION = "action"
    SETTING = "setting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of this project."""

    kind: Kind
    values: Values
    meaning: str
    acts_in: tuple[str, ...]
    states: str = ""
    """Key of the configuration that a setting must agree with."""


VARIABLES: Mapping[str, Variable] = {
    "BGB_FORCE_MANIFEST_REBUILD": Variable(
        kind=Kind.ACTION,
        values=Values.SWITCH,
        meaning="rebuild the manifests from the cached recordings before the gate looks",
        acts_in=("train",),
    ),
    "BGB_LIMIT_FILES": Variable(
        kind=Kind.SETTING,
        values=Values.COUNT,
        meaning="use only so many recordings of each split",
        acts_in=("build-cache", "train"),
        states="data.limit_files",
    ),
    "SEIZURE_MAMBA_FORCE_FALLBACK": Variable(
        kind=Kind.SETTING,
        values=Values.SWITCH,
        meaning="put the conv1d stand-in where the Mamba layers are",
        acts_in=("train",),
        states="model.mamba.kernel",
    ),
}

OWN_PREFIXES = ("BGB_", "SEIZURE_")


class Changes(StrEnum):
    """What a foreign variable can change behind a run's back."""

    CODE = "which code runs"
    NUMERICS = "numbers"
    DEVICE = "the device"
    SPEED = "speed"
    LOGGING = "where metrics go"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A name or pattern of variables that belong to others, and why they matter. First match decides."""

    pattern: str
    changes: Changes | None
    """None: listed so that a wider pattern does not catch it; changes nothing that matters."""
    reason: str
    poison: str = "1"
    """A value it could have, for measuring whether it changes anything; empty: it is not tried."""


FOREIGN: tuple[Foreign, ...] = (
    Foreign(pattern="PYTHONNOUSERSITE", changes=None, reason="keeps the user's own packages out"),
    Foreign(pattern="PYTHONUNBUFFERED", changes=None, reason="flushes output at once"),
    Foreign(pattern="PYTHONDONTWRITEBYTECODE", changes=None, reason="writes no .pyc files"),
    Foreign(pattern="PYTHONPYCACHEPREFIX", changes=None, reason="writes .pyc files elsewhere", poison=""),
    Foreign(pattern="PYTHONIOENCODING", changes=None, reason="encodes standard streams", poison="latin-1"),
    Foreign(pattern="PYTHONUTF8", changes=None, reason="encodes standard streams"),
    Foreign(pattern="PYTHONFAULTHANDLER", changes=None, reason="prints a traceback on a crash"),
    Foreign(pattern="PYTHONSAFEPATH", changes=None, reason="keeps the working directory out of imports"),
    Foreign(pattern="PYTHONHASHSEED", changes=Changes.NUMERICS, reason="fixes the order of sets", poison="4242"),
    Foreign(pattern="PYTHONOPTIMIZE", changes=Changes.CODE, reason="removes assertions"),
    # Costs ten seconds and changes nothing but them.
    Foreign(pattern="PYTHONTRACEMALLOC", changes=Changes.SPEED, reason="traces every allocation", poison=""),
    Foreign(pattern="PYTHONPATH", changes=Changes.CODE, reason="puts other modules in front", poison="/nonexistent"),
    Foreign(pattern="PYTHONHOME", changes=Changes.CODE, reason="replaces the standard library", poison=""),
    Foreign(pattern="PYTHONWARNINGS", changes=Changes.CODE, reason="turns warnings into errors", poison="ignore"),
    Foreign(pattern="PYTHON_[A-Z]*", changes=None, reason="names of build scripts and images, read by no interpreter"),
    Foreign(pattern="PYTHON*", changes=Changes.CODE, reason="changes where Python looks for modules or how it starts"),
    Foreign(pattern="LD_LIBRARY_PATH", changes=Changes.CODE, reason="loads other libraries", poison="/nonexistent"),
    Foreign(pattern="LD_PRELOAD", changes=Changes.CODE, reason="loads a library before all others", poison=""),
    Foreign(pattern="CUDA_VISIBLE_DEVICES", changes=Changes.DEVICE, reason="hides or reorders GPUs"),
    Foreign(pattern="CUDA_DEVICE_ORDER", changes=Changes.DEVICE, reason="reorders GPUs"),
    Foreign(pattern="CUDA_LAUNCH_BLOCKING", changes=Changes.SPEED, reason="waits for each kernel"),
    Foreign(pattern="CUDA_HOME", changes=None, reason="names a toolkit; read only where something is compiled"),
    Foreign(pattern="CUDA_VERSION", changes=None, reason="set by NVIDIA's images; read by nothing"),
    Foreign(pattern="CUDA_*", changes=Changes.DEVICE, reason="read by the CUDA driver or runtime"),
    Foreign(pattern="NVIDIA_TF32_OVERRIDE", changes=Changes.NUMERICS, reason="turns TF32 off below torch's flags"),
    Foreign(pattern="CUBLAS_*", changes=Changes.NUMERICS, reason="chooses workspaces, and so the order of sums"),
    Foreign(pattern="CUDNN_*", changes=Changes.NUMERICS, reason="read by cuDNN"),
    Foreign(pattern="TORCH_ALLOW_TF32_*", changes=Changes.NUMERICS, reason="turns TF32 on"),
    Foreign(pattern="TORCH_LOGS", changes=Changes.SPEED, reason="logs every compilation"),
    Foreign(pattern="TORCH_CUDA_ARCH_LIST", changes=None, reason="read only where something is compiled"),
    Foreign(pattern="TORCH*", changes=Changes.NUMERICS, reason="read by torch or its compiler"),
    Foreign(pattern="PYTORCH_*", changes=Changes.NUMERICS, reason="read by torch: allocator, fallbacks, debugging"),
    Foreign(pattern="TRITON_*", changes=Changes.CODE, reason="interprets kernels instead of compiling them"),
    Foreign(pattern="MAMBA_*", changes=Changes.CODE, reason="installs mamba_ssm without its kernels"),
    Foreign(pattern="CAUSAL_CONV1D_*", changes=Changes.CODE, reason="changes how causal_conv1d is built"),
    Foreign(pattern="NCCL_*", changes=Changes.SPEED, reason="read where several GPUs talk"),
    Foreign(pattern="OMP_*", changes=Changes.SPEED, reason="sets CPU threads, and with them the order of sums"),
    Foreign(pattern="MKL_*", changes=Changes.NUMERICS, reason="chooses code paths and threads of MKL"),
    Foreign(pattern="OPENBLAS_*", changes=Changes.NUMERICS, reason="chooses code paths and threads of OpenBLAS"),
    Foreign(pattern="NUMEXPR_*", changes=Changes.SPEED, reason="sets CPU threads"),
    Foreign(pattern="KMP_*", changes=Changes.SPEED, reason="pins and parks CPU threads"),
    Foreign(pattern="GOMP_*", changes=Changes.SPEED, reason="pins CPU threads"),
    Foreign(pattern="MNE_*", changes=Changes.NUMERICS, reason="read by MNE, which interpolates missing channels"),
    Foreign(pattern="NPY_*", changes=Changes.NUMERICS, reason="read by numpy"),
    Foreign(pattern="SCIPY_*", changes=Changes.NUMERICS, reason="read by scipy"),
    Foreign(pattern="PL_*", changes=Changes.NUMERICS, reason="read by Lightning: seeds, precision, number of devices"),
    Foreign(pattern="WANDB_API_KEY", changes=None, reason="a credential; its name is enough"),
    Foreign(pattern="WANDB_*", changes=Changes.LOGGING, reason="redirects, renames, resumes or disables a W&B run"),
)

SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH")
SHOWN_VALUE = re.compile(r"[A-Za-z0-9_.,:/+ -]{0,24}")


def is_own(name: str) -> bool:
    """Whether a name, in any case, claims to be one of this project's."""
    return name.upper().startswith(OWN_PREFIXES)


def foreign(name: str) -> Foreign | None:
    """The table's row for a name, if it has one that matters."""
    row = next((row for row in FOREIGN if fnmatch.fnmatchcase(name, row.pattern)), None)
    return row if row is not None and row.changes is not None else None


def is_secret(name: str) -> bool:
    """Whether a value may be one that nobody should read."""
    return any(word in name.upper() for word in SECRET_WORDS)


def problem_with(name: str, value: str) -> str | None:
    """Why one of this project's variables cannot be what it is; None where name and value are as declared."""
    variable = VARIABLES.get(name)
    if variable is None:
        near = difflib.get_close_matches(name.upper(), VARIABLES, n=1, cutoff=0.0)
        return f"{name} is not a variable of this project; the nearest is {near[0]}"
    if not PATTERNS[variable.values].fullmatch(value):
        found = "empty" if not value else repr(shown_value(name, value))
        return f"{name} is {found}; expected {variable.values}"
    return None


def shown_value(name: str, value: str) -> str:
    """A value as it may be printed: short and plain, and of no secret."""
    return value if not is_secret(name) and SHOWN_VALUE.fullmatch(value) else "(not shown)"
