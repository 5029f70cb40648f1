from __future__ import annotations

import os
import py_compile
import subprocess
from pathlib import Path

import pytest

from envcheck.facts.package_bytecode import PackageBytecode
from tests.envcheck.environments import Environment

OLD, NEW = "answer = 'old'\n", "answer = 'new'\n"


@pytest.fixture
def module(environment: Environment) -> Path:
    environment.install("einops", "0.8.2", {"einops/__init__.py": OLD})
    return environment.site / "einops" / "__init__.py"


def replace_keeping_the_time(module: Path) -> None:
    status = module.stat()
    module.write_text(NEW)
    os.utime(module, ns=(status.st_atime_ns, status.st_mtime_ns))


def look(environment: Environment) -> tuple[int, tuple[str, ...]]:
    seen = environment.observe(PackageBytecode, packages=["einops"])
    return seen.files, tuple(path.rpartition("/site-packages/")[2] for path in seen.stale)


def test_bytecode_of_the_source_beside_it_is_current(environment: Environment, module: Path) -> None:
    py_compile.compile(str(module))
    assert look(environment) == (1, ())


@pytest.mark.parametrize(
    "mode", [py_compile.PycInvalidationMode.TIMESTAMP, py_compile.PycInvalidationMode.UNCHECKED_HASH]
)
def test_bytecode_of_another_source_that_python_would_run_is_stale(
    environment: Environment, module: Path, mode: py_compile.PycInvalidationMode
) -> None:
    py_compile.compile(str(module), invalidation_mode=mode)
    replace_keeping_the_time(module)
    command = [str(environment.python), "-c", "import einops; print(einops.answer)"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "old\n"
    assert look(environment) == (1, ("einops/__init__.py",))


def test_bytecode_that_python_would_compile_anew_is_not_asked_about(environment: Environment, module: Path) -> None:
    py_compile.compile(str(module), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    replace_keeping_the_time(module)
    assert look(environment) == (0, ())


def test_bytecode_that_cannot_be_read_is_stale(environment: Environment, module: Path) -> None:
    compiled = Path(str(py_compile.compile(str(module))))
    compiled.write_bytes(compiled.read_bytes()[:20])
    assert look(environment) == (1, ("einops/__init__.py",))
