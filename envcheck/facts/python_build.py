"""The Python that runs: which build, from where, started with which switches."""

from __future__ import annotations

import importlib.machinery
import platform
import site
import sys
import sysconfig
from dataclasses import dataclass
from typing import ClassVar, Self

from envcheck.core import Fact
from envcheck.places import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonBuild(Fact):
    """The interpreter and what its start decided."""

    key: ClassVar[str] = "python_build"

    version: str
    implementation: str
    """`cpython`, `pypy` ..."""
    abi: str
    """What names of extension modules carry, as `cpython-311-x86_64-linux-gnu`."""
    extension_suffixes: tuple[str, ...]
    platform: str
    debug: bool
    executable: str
    prefix: str
    base_prefix: str
    virtual_environment: bool
    system_site_packages: bool
    """In a virtual environment: whether the packages of the Python below it are seen too."""
    user_site: bool
    """Whether the user's own packages are put in front of the environment's."""
    safe_path: bool
    """Whether the working directory is kept out of the search path (`-P`)."""
    ignores_environment: bool
    """Whether `PYTHON*` variables are ignored (`-E`, `-I`)."""
    optimize: int
    dev_mode: bool
    utf8_mode: bool
    hash_seed_fixed: bool

    @classmethod
    def observe(cls) -> Self:
        """Ask the running interpreter."""
        inside = sys.prefix != sys.base_prefix
        return cls(
            version=platform.python_version(),
            implementation=sys.implementation.name,
            abi=str(sysconfig.get_config_var("SOABI") or ""),
            extension_suffixes=tuple(importlib.machinery.EXTENSION_SUFFIXES),
            platform=sysconfig.get_platform(),
            debug=bool(sysconfig.get_config_var("Py_DEBUG")),
            executable=shown(sys.executable),
            prefix=shown(sys.prefix),
            base_prefix=shown(sys.base_prefix),
            virtual_environment=inside,
            system_site_packages=inside and any(not place.startswith(sys.prefix) for place in site.getsitepackages()),
            user_site=bool(site.ENABLE_USER_SITE),
            safe_path=sys.flags.safe_path,
            ignores_environment=bool(sys.flags.ignore_environment),
            optimize=sys.flags.optimize,
            dev_mode=sys.flags.dev_mode,
            utf8_mode=bool(sys.flags.utf8_mode),
            hash_seed_fixed=sys.flags.hash_randomization == 0,
        )
