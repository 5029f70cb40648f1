"""Commands that mend an environment's packages, for the tool that manages them: uv makes environments without pip.

A remedy is still worth giving where what would make it exact was not seen; then it names `python` and pip.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from envcheck.core import Context, NotSeen
from envcheck.expectations import LockedPackages
from envcheck.facts.packages import Package, Packages
from envcheck.facts.python_build import PythonBuild


def reinstall(context: Context, *names: str) -> str:
    """Install these packages as the lock has them, whatever is there now; without names, what is missing or differs."""
    python, uv = python_command(context), _uv_command(context)
    locked = f"--require-hashes --no-deps -r {_lockfile(context)}"
    if uv is None:
        removal = f"{python} -m pip uninstall -y {shlex.join(names)} && " if names else ""
        return f"{removal}{python} -m pip install {locked}"
    again = "".join(f"--reinstall-package {shlex.quote(name)} " for name in names)
    return f"{uv} pip install --python {python} {again}{locked}"


def install_pinned(context: Context, name: str, otherwise: str) -> str:
    """Install a package of an extra: `-r` with the lock skips those. In the lock's version, or as `otherwise` says."""
    python, uv = python_command(context), _uv_command(context)
    try:
        version = context.expect[LockedPackages].version_of(name)
    except NotSeen:
        version = None
    wanted = shlex.quote(f"{name}=={version}" if version else otherwise)
    if uv is None:
        return f"{python} -m pip install --force-reinstall {wanted}"
    return f"{uv} pip install --python {python} --reinstall-package {shlex.quote(name)} {wanted}"


def uninstall(context: Context, *names: str) -> str:
    """Remove these packages."""
    python, uv = python_command(context), _uv_command(context)
    if uv is None:
        return f"{python} -m pip uninstall -y {shlex.join(names)}"
    return f"{uv} pip uninstall --python {python} {shlex.join(names)}"


def new_environment(context: Context, python_version: str) -> str:
    """Make the environment anew with another Python and install the lock into it."""
    prefix = environment_prefix(context)
    install = f"{prefix}/bin/python -m pip install --require-hashes --no-deps -r {_lockfile(context)}"
    return f"python{python_version} -m venv --clear {prefix} && {install}"


def remove(context: Context, *paths: str) -> str:
    """Delete files and folders that facts give relative to the environment."""
    prefix = environment_prefix(context)
    return f"rm -r {' '.join(_quoted(path) if path[:1] in '/~' else f'{prefix}/{_quoted(path)}' for path in paths)}"


def python_command(context: Context) -> str:
    """The environment's Python."""
    try:
        return _quoted(context.facts[PythonBuild].executable)
    except NotSeen:
        return "python"


def environment_prefix(context: Context) -> str:
    """Where the environment lies, quoted."""
    try:
        return _quoted(context.facts[PythonBuild].prefix)
    except NotSeen:
        return ".venv"


def _lockfile(context: Context) -> str:
    try:
        return shlex.quote(context.expect[LockedPackages].file)
    except NotSeen:
        return "constraints.txt"


def _uv_command(context: Context) -> str | None:
    """The environment's own uv, or any where uv installed what is there; None: pip's environment."""
    packages = _packages(context)
    if any(package.name == "uv" for package in packages):
        return f"{python_command(context)} -m uv"
    return "uv" if any(package.installer == "uv" for package in packages) else None


def _packages(context: Context) -> Sequence[Package]:
    try:
        return context.facts[Packages].packages
    except NotSeen:
        return ()


def _quoted(path: str) -> str:
    """Quoted for a shell, but for the `~` that it must expand."""
    return f"~/{shlex.quote(path[2:])}" if path.startswith("~/") else shlex.quote(path)


def build_kernels() -> str:
    """Compile the packages with the kernels from their pinned sources against the installed torch, and install them."""
    return "bgb kernels build --install"
