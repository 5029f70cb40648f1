"""Stacks of small stand-ins in real environments, each with one rung broken as it breaks in the field."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from envcheck.checks import kernel_load
from envcheck.core import Finding, Unseen, Verdict
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
    "triton/language/__init__.py": "",
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
    assert finding.summary == "both extensions load and are called: the CPU probe is refused as it must be"


@pytest.mark.parametrize(
    ("changes", "rung", "said"),
    [
        ({"torch/__init__.py": None}, "torch", "torch is not installed"),
        (
            {"torch/__init__.py": TORCH.replace("return Tensor()", "raise RuntimeError('Numpy is not available')", 1)},
            "numpy",
            "torch and numpy do not exchange arrays: numpy 2 is installed",
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
        (
            {"mamba_ssm/modules/mamba2.py": "causal_conv1d_fn = None\n"},
            "modules",
            "mamba_ssm loads without causal_conv1d: causal_conv1d did not load",
        ),
        (
            {
                "mamba_ssm/__init__.py": MAMBA.replace(
                    "Expected x.is_cuda() to be true, but got false.", "'Mamba2' object has no attribute 'dconv'"
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
        (
            {"mamba_ssm/__init__.py": MAMBA.replace("RuntimeError", "ValueError")},
            "cpu_probe",
            "the CPU probe is not refused as it must be: ValueError: Expected x.is_cuda() to be true, but got false.",
        ),
        (
            {"mamba_ssm/__init__.py": MAMBA.replace("Expected x", "wrapped: Expected x")},
            "cpu_probe",
            "the CPU probe is not refused as it must be: RuntimeError: wrapped: Expected x.is_cuda() to be true",
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
    assert finding.summary == "selective_scan_cuda does not load: the process was killed by SIGSEGV"


def test_the_last_words_of_a_process_that_aborts_are_kept(environment: Environment) -> None:
    abort = "import os\nos.write(2, b'terminate called: an ABI that does not fit\\n')\nos.abort()"
    seen, _ = climb(environment, {"causal_conv1d_cuda.py": abort})
    error = "the process was killed by SIGABRT (terminate called: an ABI that does not fit)"
    assert next(rung.error for rung in seen.rungs if rung.error) == error


def test_what_libraries_print_is_not_taken_for_an_answer(environment: Environment) -> None:
    """From C, without a newline, in JSON: an answer is read where nothing else is written."""
    noise = 'import os\nos.write(1, b\'{"ended": "torch"} [\')\nprint("{", end="")\n'
    seen, finding = climb(environment, {"torch/__init__.py": noise + TORCH, "einops/__init__.py": noise})
    assert broken_rung(seen) is None
    assert finding.verdict is Verdict.PASS


def test_a_library_that_hangs_is_named(environment: Environment) -> None:
    environment.install("stack", "1.0", {**STACK, "triton/__init__.py": "import time\ntime.sleep(600)"})
    seen = environment.observe(KernelLoad, seconds=3.0)
    assert [(rung.name, rung.error) for rung in seen.rungs if rung.error] == [("triton", "it did not end in 3 s")]


def test_what_fails_only_after_the_others_is_said_to_load_alone(environment: Environment) -> None:
    """As two libraries with an OpenMP or a C++ library of their own do."""
    clash = "import sys\nif 'torch' in sys.modules: raise ImportError('static TLS block')\n"
    seen, finding = climb(environment, {"triton/__init__.py": clash})
    assert broken_rung(seen) == "triton"
    assert [rung.loads_alone for rung in seen.rungs if rung.error] == [True]
    assert finding.summary.endswith("ImportError: static TLS block, though in a process of its own it loads")
    seen, _ = climb(environment, {"triton/__init__.py": "raise ImportError('broken')"})
    assert [rung.loads_alone for rung in seen.rungs if rung.error] == [False]


def test_a_warning_that_announces_a_failure_is_kept_and_other_noise_is_not(environment: Environment) -> None:
    """transformers 5.23 with torch 2.2 says only this, and then has no models."""
    said = "[transformers] Disabling PyTorch because PyTorch >= 2.6 is required but found 2.2.2"
    text = f"import sys\nprint({said!r}, file=sys.stderr)\nprint('FutureWarning: soon', file=sys.stderr)\n"
    seen, finding = climb(environment, {"transformers/generation.py": f"{text}TextStreamer = object\n"})
    assert [(rung.name, rung.notes) for rung in seen.rungs if rung.notes] == [("transformers", (said,))]
    assert said in next(item.found for item in finding.evidence if item.subject == "transformers")


def test_a_home_folder_does_not_enter_the_fact(environment: Environment) -> None:
    seen, _ = climb(environment, {"einops/__init__.py": "raise OSError('/home/someone/x.so: bad')"})
    assert next(rung.error for rung in seen.rungs if rung.error) == "OSError: ~/x.so: bad"


def test_a_process_that_never_gets_to_the_first_rung_has_seen_nothing(environment: Environment) -> None:
    code = "import os, sys\nif 'envcheck.load_rungs' in sys.orig_argv: os._exit(7)\n"
    environment.install("stack", "1.0", {**STACK, "sitecustomize.py": code})
    entry = environment.entry(KernelLoad)
    assert isinstance(entry.value, Unseen)
    assert entry.value.reason == "RuntimeError: nothing was loaded: the process ended with status 7"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="the extension is compiled with gcc")
@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("_ZN3c104cuda9SetDeviceEa", f"{CONV_FILE} is compiled for torch 2.3 to 2.7, another one is installed"),
        ("_ZN3c107WarningC1ENS_7variantERKNS_14SourceLocationESsb", "is compiled for torch 2.1 or older"),
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


@pytest.mark.skipif(shutil.which("gcc") is None, reason="the extension is compiled with gcc")
def test_an_extension_that_was_linked_on_a_newer_system_is_told(environment: Environment, tmp_path: Path) -> None:
    """Linked against a libstdc++ that has a version which none has yet."""
    newer, source, library = tmp_path / "libstdc++.so.6", tmp_path / "it.c", tmp_path / SCAN_FILE
    (tmp_path / "newer.c").write_text("int of_tomorrow(void) { return 0; }\n")
    (tmp_path / "newer.map").write_text("GLIBCXX_9.9.99 { global: of_tomorrow; };\n")
    source.write_text("int of_tomorrow(void);\nvoid *PyInit_selective_scan_cuda(void) { of_tomorrow(); return 0; }\n")
    script = f"-Wl,--version-script={tmp_path / 'newer.map'}"
    for command in (
        [script, "-Wl,-soname,libstdc++.so.6", "-o", str(newer), str(tmp_path / "newer.c")],
        ["-o", str(library), str(source), str(newer)],
    ):
        subprocess.run(["gcc", "-shared", "-fPIC", *command], check=True)
    seen, finding = climb(environment, {"selective_scan_cuda.py": None, SCAN_FILE: library.read_bytes()})
    assert broken_rung(seen) == "selective_scan_cuda"
    assert f"{SCAN_FILE} needs GLIBCXX_9.9.99, which this system's libraries do not have" in finding.summary


def test_an_extension_for_another_python_is_as_good_as_none(environment: Environment) -> None:
    other = SCAN_FILE.replace("cpython-311", "cpython-39")
    _, finding = climb(environment, {"selective_scan_cuda.py": None, other: b""})
    assert finding.summary == "selective_scan_cuda does not load: selective_scan_cuda is not installed for this Python"


def test_a_file_that_is_cut_short_is_told(environment: Environment) -> None:
    _, finding = climb(environment, {"selective_scan_cuda.py": None, SCAN_FILE: b"\x7fELF"})
    assert finding.summary == f"selective_scan_cuda does not load: {SCAN_FILE} is cut short or no library"


@pytest.mark.slow
def test_the_real_extensions_are_called_and_refuse_the_cpu(kernel_environment: Environment) -> None:
    seen = kernel_environment.observe(KernelLoad)
    assert [(rung.name, rung.error, rung.notes) for rung in seen.rungs if rung.error or not rung.tried] == []
    assert kernel_load.check(context(seen)).verdict is Verdict.PASS


@pytest.mark.slow
def test_a_causal_conv1d_that_is_away_stops_the_real_stack_at_its_own_rung(
    kernel_environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['causal_conv1d'] = None\n")
    seen = kernel_environment.observe(KernelLoad, variables={"PYTHONPATH": str(tmp_path)})
    assert broken_rung(seen) == "causal_conv1d"
    assert "causal_conv1d is blocked" in kernel_load.check(context(seen)).summary


@pytest.mark.slow
def test_the_real_torch_beside_a_numpy_of_the_next_generation_stops_at_the_bridge(
    kernel_environment: Environment, tmp_path: Path
) -> None:
    """The numpy that is there without the C interface of generation 1, which is what numpy 2 is to torch 2.2."""
    (tmp_path / "numpy").mkdir()
    for path in (kernel_environment.site / "numpy").iterdir():
        (tmp_path / "numpy" / path.name).symlink_to(path)
    changed = tmp_path / "numpy" / "__init__.py"
    text = changed.read_text()
    changed.unlink()
    changed.write_text(f"{text}\n__version__ = '2.2.6'\ndel core._multiarray_umath._ARRAY_API\n")
    seen = kernel_environment.observe(KernelLoad, variables={"PYTHONPATH": str(tmp_path)})
    assert broken_rung(seen) == "numpy"
    assert any("_ARRAY_API not found" in note for note in seen.rungs[0].notes)


@pytest.mark.slow
def test_a_real_extension_that_is_cut_short_stops_at_its_own_rung_and_not_in_mamba(
    kernel_environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / CONV_FILE).write_bytes((kernel_environment.site / CONV_FILE).read_bytes()[:40])
    seen = kernel_environment.observe(KernelLoad, variables={"PYTHONPATH": str(tmp_path)})
    assert broken_rung(seen) == "causal_conv1d"
    assert "is cut short or no library" in kernel_load.check(context(seen)).summary
