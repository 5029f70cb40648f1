"""Environments that see this project's triton, and places where it cannot do its work."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from tests.envcheck.environments import Environment, make_environment


def with_triton(prefix: Path, sitecustomize: str = "") -> Environment:
    """An environment that imports what is installed for this project, after running `sitecustomize`."""
    need_triton()
    environment = make_environment(prefix)
    project = Environment(prefix=Path(sys.prefix)).site
    (environment.site / "_project.pth").write_text(f"{project}\n")
    (environment.site / "sitecustomize.py").write_text(sitecustomize)
    return environment


def need_triton() -> None:
    """Skip where the failures of a triton that works otherwise cannot be made."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("triton is not installed here")
    if shutil.which("gcc") is None:
        pytest.skip("triton needs gcc")


NO_HEADERS = "import sysconfig\nsysconfig._INSTALL_SCHEMES['venv']['include'] = '/nonexistent/include'\n"
"""Python without its headers, as slim images have it: the compiler is told of a folder that is not there."""
NO_LDCONFIG = """
import subprocess
started = subprocess.Popen.__init__
def start(self, args, *rest, **options):
    if args[0] == "/sbin/ldconfig":
        args = ["/nonexistent/ldconfig"]
    started(self, args, *rest, **options)
subprocess.Popen.__init__ = start
"""
