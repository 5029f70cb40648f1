"""Stacks of small stand-ins in real environments, each with one rung broken as it breaks in the field."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from envcheck.checks import kernel_load
from envcheck.core import Finding, Verdict
from envcheck.facts.kernel_load import KernelLoad
from tests.envcheck.environments import Environment
from tests.envcheck.sightings import CONV_FILE, PYTHON, SCAN_FILE, context, packages

TORCH = """
import os
float64, float32 = "torch.float64", "torch.float32"
class Tensor:
    dtype = float64
def from_numpy(array): return Tensor()
def as_tensor(array): return Tensor()
def randn(*shape): return Tensor()
"""
MAMBA = """
class Mamba2:
    def __init__(self, *given, **named): pass
    def __call__(self, x): raise RuntimeError("Expected x.is_cuda() to be true, but got false.")
"""
SWALLOWING = "try:\n    import causal_conv1d_cuda\nexcept ImportError:\n    causal_conv1d_cuda = None\n"
STACK = {
    "torch/__init__.py": TORCH,
    "numpy/__init__.py": "def zeros(*given): return None\n",
    "triton/__init__.py": "",
    "einops/__init__.py": "",
    "transformers/__init__.py": "",
    "transformers/generation.py": ("GreedySearchDecoderOnlyOutput = SampleDecoderOnlyOutput = TextStreamer = object\n"),
    "causal_conv1d/__init__.py": "import causal_conv1d_cuda\n",
    "causal_conv1d_cuda.py": "",
    "selective_scan_cuda.py": "",
    "mamba_ssm/__init__.py": MAMBA,
    "mamba_ssm/modules/__init__.py": "",
    "mamba_ssm/modules/mamba2.py": "causal_conv1d_fn = print\n",
    "mamba_ssm/ops/__init__.py": "",
    "mamba_ssm/ops/triton/__init__.py": "",
    "mamba_ssm/ops/triton/ssd_combined.py": SWALLOWING,
}


def climb(environment: Environment, changes: Mapping[str, str | bytes | None]) -> tuple[KernelLoad, Finding]:
    """The stack with these files changed, or gone where None."""
    files = {path: content for path, content in {**STACK, **changes}.items() if content is not None}
    environment.install("stack", "1.0", files)
    seen = environment.observe(KernelLoad)
    return seen, kernel_load.check(context(PYTHON, packages(), seen))


def broken_rung(seen: KernelLoad) -> str | None:
    return next((rung.name for rung in seen.rungs if rung.error), None)


def test_a_stack_that_is_sound_climbs_to_the_refusal(environment: Environment) -> None:
    seen, finding = climb(environment, {})
    assert broken_rung(seen) is None
    assert finding.verdict is Verdict.PASS
    assert finding.summary == "both extensions load, and refuse a tensor on the CPU in their own words"


@pytest.mark.parametrize(
    ("changes", "rung", "said"),
    [
        ({"torch/__init__.py": None}, "torch", "torch is not installed"),
        (
            {"torch/__init__.py": TORCH.replace("return Tensor()", "raise RuntimeError('Numpy is not available')", 1)},
            "numpy",
            "numpy 2 is installed",
        ),
        ({"torch/__init__.py": TORCH.replace("dtype = float64", "dtype = float32")}, "numpy", "numpy 2 is installed"),
        (
            {"triton/__init__.py": "raise ModuleNotFoundError(\"No module named 'setuptools'\")"},
            "triton",
            "setuptools is not installed",
        ),
        ({"einops/__init__.py": "raise ValueError('of a kind never seen')"}, "einops", "of a kind never seen"),
        (
            {"transformers/generation.py": "TextStreamer = object\n"},
            "transformers",
            "no longer has GreedySearchDecoderOnlyOutput",
        ),
        ({"causal_conv1d_cuda.py": None}, "causal_conv1d", "causal_conv1d_cuda is not installed"),
        ({"selective_scan_cuda.py": None}, "selective_scan_cuda", "selective_scan_cuda is not installed"),
        ({"mamba_ssm/modules/mamba2.py": "causal_conv1d_fn = None\n"}, "mamba_ssm", "causal_conv1d did not load"),
        (
            {
                "mamba_ssm/__init__.py": MAMBA.replace(
                    "Expected x.is_cuda() to be true, but got false.", "no attribute 'dconv'"
                )
            },
            "cpu_probe",
            "causal_conv1d did not load",
        ),
        (
            {"mamba_ssm/__init__.py": MAMBA.replace("raise RuntimeError", "return str")},
            "cpu_probe",
            "a Mamba2 layer computed on the CPU",
        ),
    ],
)
def test_the_first_broken_rung_is_named_with_its_cause(
    environment: Environment, changes: Mapping[str, str | None], rung: str, said: str
) -> None:
    seen, finding = climb(environment, changes)
    assert broken_rung(seen) == rung
    names = [item.name for item in seen.rungs]
    assert not any(item.tried for item in seen.rungs[names.index(rung) + 1 :])
    assert finding.verdict is Verdict.FAIL
    assert said in finding.summary
    assert "\n" not in finding.summary
    assert finding.remedy


def test_a_crash_names_the_rung_that_was_begun(environment: Environment) -> None:
    seen, finding = climb(
        environment, {"selective_scan_cuda.py": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"}
    )
    assert broken_rung(seen) == "selective_scan_cuda"
    assert finding.summary == "selective_scan_cuda fails: the process was killed by SIGSEGV"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="the extension is compiled with gcc")
@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("_ZN3c104cuda9SetDeviceEa", f"{CONV_FILE} is compiled for torch 2.3 to 2.7, another one is installed"),
        ("_ZN3c107WarningC1ENSt7__cxx1112basic_stringIcEE", "compiled with the new C++ ABI (cxx11abiTRUE)"),
    ],
)
def test_an_extension_for_another_torch_is_told_though_mamba_swallows_it(
    environment: Environment, tmp_path: Path, symbol: str, said: str
) -> None:
    source, library = tmp_path / "it.c", tmp_path / CONV_FILE
    source.write_text(
        f"extern void {symbol}(void);\nvoid *PyInit_causal_conv1d_cuda(void) {{ {symbol}(); return 0; }}\n"
    )
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-z,now", "-o", str(library), str(source)], check=True)
    seen, finding = climb(environment, {"causal_conv1d_cuda.py": None, CONV_FILE: library.read_bytes()})
    assert broken_rung(seen) == "causal_conv1d"
    assert said in finding.summary
    assert finding.remedy == "bgb kernels build --install"


def test_a_file_that_is_cut_short_is_told(environment: Environment) -> None:
    _, finding = climb(environment, {"selective_scan_cuda.py": None, SCAN_FILE: b"\x7fELF"})
    assert finding.summary == f"selective_scan_cuda fails: {SCAN_FILE} is cut short or no library"


@pytest.mark.slow
def test_the_real_extensions_are_called_and_refuse_the_cpu(kernel_environment: Environment) -> None:
    seen = kernel_environment.observe(KernelLoad)
    assert [(rung.name, rung.error) for rung in seen.rungs if rung.error or not rung.tried] == []


@pytest.mark.slow
def test_a_causal_conv1d_that_is_away_stops_the_real_stack_at_its_own_rung(
    kernel_environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['causal_conv1d'] = None\n")
    seen = kernel_environment.observe(KernelLoad, variables={"PYTHONPATH": str(tmp_path)})
    assert broken_rung(seen) == "causal_conv1d"
