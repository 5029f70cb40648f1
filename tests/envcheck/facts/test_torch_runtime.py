from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envcheck.core import Unseen
from envcheck.facts.torch_build import TorchBuild
from envcheck.facts.torch_runtime import NumpyBridge, TorchRuntime
from tests.envcheck.environments import Environment

MISSING_LIBRARY = "libcudart.so.12: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    ("torch", "error"),
    [
        (f"raise ImportError({MISSING_LIBRARY!r})", f"ImportError: {MISSING_LIBRARY}"),
        (f"raise OSError({MISSING_LIBRARY!r})", f"OSError: {MISSING_LIBRARY}"),
        ("version = ", "SyntaxError: invalid syntax (__init__.py, line 1)"),
        ("from torch import _C", "ImportError: cannot import name '_C' from partially initialized module 'torch'"),
    ],
)
def test_a_torch_that_cannot_be_imported_says_why(environment: Environment, torch: str, error: str) -> None:
    environment.install("torch", "2.2.2", {"torch/__init__.py": torch})
    seen = environment.observe(TorchRuntime)
    assert seen.error is not None
    assert seen.error.startswith(error)


def test_no_torch_at_all_is_an_error_of_the_import(environment: Environment) -> None:
    assert environment.observe(TorchRuntime) == TorchRuntime(error="ModuleNotFoundError: No module named 'torch'")


def test_a_torch_that_crashes_is_not_seen(environment: Environment) -> None:
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    environment.install("torch", "2.2.2", {"torch/__init__.py": crash})
    entry = environment.entry(TorchRuntime)
    assert isinstance(entry.value, Unseen)
    assert "SIGSEGV" in entry.value.reason


@pytest.mark.slow
def test_the_torch_of_this_project_imports_and_exchanges_arrays() -> None:
    build = TorchBuild.observe()
    if not build.installed:
        pytest.skip("torch is not installed here")
    seen = Environment(prefix=Path(sys.prefix)).observe(TorchRuntime)
    assert (seen.error, seen.version, seen.cuda) == (None, build.version, build.cuda)
    assert seen.numpy == NumpyBridge(numpy="1.26.4", from_numpy="ok", as_tensor="float64")
    assert "sm_80" in seen.architectures
    assert seen.threads >= 1


@pytest.mark.slow
def test_a_numpy_of_the_wrong_generation_is_seen_in_the_bridge_and_nowhere_else(tmp_path: Path) -> None:
    """The numpy of this project without the C interface of generation 1, which is what numpy 2 is to torch 2.2."""
    if not TorchBuild.observe().installed:
        pytest.skip("torch is not installed here")
    _second_generation(Environment(prefix=Path(sys.prefix)).site / "numpy", tmp_path / "numpy")
    seen = Environment(prefix=Path(sys.prefix)).observe(TorchRuntime, variables={"PYTHONPATH": str(tmp_path)})
    assert (seen.error, seen.version) == (None, "2.2.2+cu121")
    error = "RuntimeError: Numpy is not available"
    assert seen.numpy == NumpyBridge(numpy="2.2.6", from_numpy=error, as_tensor="float32")


def _second_generation(original: Path, copy: Path) -> None:
    copy.mkdir()
    for path in original.iterdir():
        (copy / path.name).symlink_to(path)
    changed = copy / "__init__.py"
    text = changed.read_text()
    changed.unlink()
    changed.write_text(f"{text}\n__version__ = '2.2.6'\ndel core._multiarray_umath._ARRAY_API\n")
