"""Every environment variable that a run reads or that can change it. Nothing else in the project reads `os.environ`.

A setting never takes effect on its own: the configuration's `environment.allow` has to name it with its value. An
action does something once, before the gate looks, and changes no result.
"""

from __future__ import annotations

import fnmatch
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bgb.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of this project: what it does and which values it takes."""

    kind: Literal["action", "setting"]
    values: Literal["0 or 1", "a positive integer"]
    meaning: str


VARIABLES: Mapping[str, Variable] = {
    "BGB_FORCE_MANIFEST_REBUILD": Variable(
        kind="action",
        values="0 or 1",
        meaning="rebuild the manifests from the cached recordings before the gate looks",
    ),
    "BGB_LIMIT_FILES": Variable(
        kind="setting",
        values="a positive integer",
        meaning="states data.limit_files; the configuration must allow it and agree",
    ),
    "SEIZURE_MAMBA_FORCE_FALLBACK": Variable(
        kind="setting",
        values="0 or 1",
        meaning="states model.mamba.kernel: conv1d; the configuration must allow it and agree",
    ),
}

OWN_PREFIXES = ("BGB_", "SEIZURE_")

FOREIGN_PATTERNS = (
    "CAUSAL_CONV1D_*",
    "CUBLAS_*",
    "CUDA_*",
    "CUDNN_*",
    "KMP_*",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "MAMBA_*",
    "MKL_*",
    "NCCL_*",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_*",
    "OPENBLAS_*",
    "PYTHON*",
    "PYTORCH_*",
    "TORCH*",
    "TRITON_*",
    "WANDB_*",
)
"""Names of other projects' variables that change results, numerics, speed or logging."""

SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")


def is_set(name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a declared 0-or-1 variable is 1; `ConfigError` for any other value, an empty one included."""
    if name not in VARIABLES:
        raise KeyError(f"{name} is not declared in bgb/environment.py")
    value = environ.get(name, "0")
    if value not in {"0", "1"}:
        raise ConfigError(f"{name} is {value!r}; expected 0 or 1. Unset it, or set one of these: unset {name}")
    return value == "1"


def relevant(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that can change a run, with their values. Values of secrets are left out, their names are not."""
    chosen = {}
    for name, value in sorted(environ.items()):
        if name.upper().startswith(OWN_PREFIXES) or any(fnmatch.fnmatch(name, p) for p in FOREIGN_PATTERNS):
            chosen[name] = "" if any(word in name.upper() for word in SECRET_WORDS) else value
    return chosen


def salted_digest(salt: str, value: str) -> str:
    """HMAC-SHA-256 of a value under a salt that is made for each receipt."""
    return hmac.new(salt.encode(), value.encode(errors="surrogateescape"), hashlib.sha256).hexdigest()
