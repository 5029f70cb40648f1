"""The directions of DESIGN: what may import what, what may be read where, and how large a thing may grow."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for package in ("bgb", "envcheck")
    for path in sorted((ROOT / package).rglob("*.py"))
}
FUNCTION_LINES = 60
MODULE_LINES = 400


def imports_of(module: str) -> set[str]:
    """Every module that `module` names in an import, anywhere in its body."""
    return {name for name, _ in _imports(module)}


def top_level_imports_of(module: str) -> set[str]:
    return {name for name, at_top in _imports(module) if at_top}


def _imports(module: str) -> Iterator[tuple[str, bool]]:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    at_top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, id(node) in at_top
            yield from ((f"{node.module}.{alias.name}", id(node) in at_top) for alias in node.names)


def belongs(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def within(*packages: str) -> list[str]:
    return [module for module in MODULES if any(belongs(module, package) for package in packages)]


@pytest.mark.parametrize("module", within("envcheck"))
def test_envcheck_never_imports_bgb(module: str) -> None:
    assert not [name for name in imports_of(module) if belongs(name, "bgb")]


@pytest.mark.parametrize("module", [m for m in MODULES if m not in {"bgb.__main__", "envcheck.__main__"}])
def test_a_command_line_imports_and_is_never_imported(module: str) -> None:
    assert not imports_of(module) & {"bgb.cli", "envcheck.cli"}


def test_core_imports_nothing_of_ours() -> None:
    assert not [name for name in imports_of("envcheck.core") if belongs(name, "envcheck") or belongs(name, "bgb")]


FAMILIES = {
    "envcheck.facts": ("envcheck.checks", "envcheck.render", "bgb.preflight.checks"),
    "envcheck.checks": ("envcheck.render",),
    "envcheck.render": ("envcheck.facts", "envcheck.checks"),
    "bgb.preflight.facts": ("envcheck.checks", "envcheck.render", "bgb.preflight.checks"),
    "bgb.preflight.checks": ("envcheck.render",),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_no_fact_check_or_renderer_imports_a_sibling_or_looks_downstream(family: str) -> None:
    members = [module for module in within(family) if module != f"{family}.__init__"]
    assert members
    for module in members:
        siblings = [name for name in imports_of(module) if name.startswith(family + ".") and not belongs(name, module)]
        assert not siblings, module
        downstream = [name for name in imports_of(module) for other in FAMILIES[family] if belongs(name, other)]
        assert not downstream, module


@pytest.mark.parametrize("module", within("envcheck.checks", "bgb.preflight.checks"))
def test_a_check_looks_at_nothing_but_its_context(module: str) -> None:
    assert not imports_of(module) & {"os", "subprocess", "pathlib", "time", "torch", "socket", "shutil", "sys"}


HEAVY = {
    "edfio": ("bgb.data.synthetic",),
    "lightning": ("bgb.train",),
    "matplotlib": ("bgb.evaluate.plots",),
    "mne": ("bgb.data.interpolate",),
    "modal": ("bgb.remote.modal_app",),
    "scipy": ("bgb.data.signal", "bgb.data.synthetic"),
    "timescoring": ("bgb.evaluate.metrics",),
    "torch": (
        "bgb.jobs.predict",
        "bgb.kernels.compile",
        "bgb.model",
        "bgb.train",
        "bgb.evaluate",
        "bgb.data.torch_dataset",
        "envcheck.facts.torch_runtime",
        "envcheck.numerics",
        "envcheck.triton_launches",
    ),
    "triton": (
        "envcheck.facts.triton_compile",
        "envcheck.facts.triton_probe",
        "envcheck.triton_kernel",
        "envcheck.triton_launches",
    ),
    "wandb": ("bgb.train",),
}


@pytest.mark.parametrize("library", HEAVY)
def test_a_heavy_library_stays_in_the_files_that_exist_for_it(library: str) -> None:
    users = [module for module in MODULES if any(belongs(name, library) for name in imports_of(module))]
    assert [user for user in users if not any(belongs(user, home) for home in HEAVY[library])] == []


LIGHT_ENVCHECK = {"packaging", "typer", "rich", "elftools"}


@pytest.mark.parametrize("module", within("envcheck"))
def test_envcheck_runs_where_everything_else_is_broken(module: str) -> None:
    """Third-party imports at the top only of the modules that DESIGN names for them."""
    homes = {
        "packaging": "envcheck.lockfile",
        "typer": "envcheck.cli",
        "rich": "envcheck.render.terminal",
        "elftools": "envcheck.facts",
        "torch": "envcheck.numerics",
        "triton": "envcheck.triton_kernel",
    }
    names = {name.partition(".")[0] for name in top_level_imports_of(module)}
    foreign = names - set(sys.stdlib_module_names) - {"envcheck"}
    assert foreign <= {library for library, home in homes.items() if belongs(module, home)}


@pytest.mark.parametrize("module", [m for m in MODULES if m != "bgb.environment"])
def test_only_one_module_of_bgb_reads_the_environment(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    reads = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}
    ]
    assert not reads or module in ENVCHECK_READERS, reads


ENVCHECK_READERS = {
    "envcheck.facts.build_tools",  # CC, CXX, MAX_JOBS and PATH decide what compiles
    "envcheck.facts.cuda_toolkit",  # CUDA_HOME names the toolkit
    "envcheck.facts.cuda_driver",  # CUDA_VISIBLE_DEVICES hides devices from the driver
    "envcheck.facts.triton_probe",  # TRITON_ variables change what Triton does
    "envcheck.facts.triton_toolchain",  # CC and TRITON_ variables say where Triton looks
    "envcheck.facts.gpu_state",  # TF32 and the allocator are set by variables
    "envcheck.facts.kernel_path",  # switches that replace the kernels
    "envcheck.facts.shadowing",  # PYTHONPATH is what it looks at
    "envcheck.stub_driver",  # CC, and the variables by which Triton is led to the stub
    "envcheck.runners",  # a child gets the environment that is judged
    "envcheck.render.terminal",  # NO_COLOR
}


def test_importing_either_package_loads_the_standard_library_alone() -> None:
    code = "import sys, bgb, envcheck, envcheck.core; print(*{name.partition('.')[0] for name in sys.modules})"
    answer = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(answer.stdout.split()) - set(sys.stdlib_module_names) - {"bgb", "envcheck", "__main__"}
    assert not {name for name in loaded if not name.startswith(("_", "sitecustomize"))}


@pytest.mark.parametrize("program", ["bgb", "envcheck"])
def test_help_loads_nothing_heavy(program: str) -> None:
    code = f"""
import sys
import {program}.cli
try:
    {program}.cli.main(["--help"])
except SystemExit:
    pass
print("LOADED", *sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in answer.stdout.rpartition("LOADED")[2].split()}
    assert not loaded & {*HEAVY, "numpy", "pydantic", "yaml", "joblib"}


@pytest.mark.parametrize("module", MODULES)
def test_functions_and_modules_stay_small(module: str) -> None:
    text = MODULES[module].read_text(encoding="utf-8")
    assert text.count("\n") <= MODULE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or node.lineno) - node.lineno + 1 <= FUNCTION_LINES, node.name
