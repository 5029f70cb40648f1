"""The one place that reads the environment of a process of this project."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from bgb.errors import ConfigError
from bgb.variables import VARIABLES, foreign, is_own, is_secret, problem_with


def is_set(name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a declared 0-or-1 variable is 1; `ConfigError` for any other value, an empty one included."""
    if name not in VARIABLES:
        raise KeyError(f"{name} is not declared in bgb/variables.py")
    value = environ.get(name, "0")
    if (problem := problem_with(name, value)) is not None:
        raise ConfigError(f"{problem}. Set it to one of these, or: unset {name}")
    return value == "1"


def relevant(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that can change a run, with their values. Values of secrets are left out, their names are not."""
    return {
        name: "" if is_secret(name) else value
        for name, value in sorted(environ.items())
        if is_own(name) or foreign(name) is not None
    }


def salted_digest(salt: str, value: str) -> str:
    """HMAC-SHA-256 of a value under a salt that is made for each receipt."""
    return hmac.new(salt.encode(), value.encode(errors="surrogateescape"), hashlib.sha256).hexdigest()


def home() -> Path:
    """The user's home folder, which is shown as `~` wherever a path is printed."""
    return Path.home()


def present() -> dict[str, str]:
    """The whole environment of this process, to hand to a child; nothing is chosen by it."""
    return dict(os.environ)
