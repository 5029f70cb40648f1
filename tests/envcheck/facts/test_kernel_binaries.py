"""Extensions made here with gcc, beside a torch made here, each with one thing wrong."""

from __future__ import annotations

import importlib.util
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from envcheck.checks import kernel_floor, kernel_symbols
from envcheck.core import Finding
from envcheck.facts.kernel_binaries import KernelBinaries, KernelBinary
from tests.envcheck.environments import Environment
from tests.envcheck.sightings import CONV_FILE, MACHINE, SCAN_BINARY, TORCH, context

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="the extensions are compiled with gcc")

SET_DEVICE_2_2, SET_DEVICE_2_3 = "_ZN3c104cuda9SetDeviceEi", "_ZN3c104cuda9SetDeviceEa"
OLD_STRING, NEW_STRING = "_ZN3c105ErrorC1ESs", "_ZN3c105ErrorC1ENSt7__cxx1112basic_stringIcEE"


@pytest.fixture
def environment(environment: Environment) -> Environment:
    """With the ELF reader, which comes with envcheck wherever it is installed."""
    spec = importlib.util.find_spec("elftools")
    assert spec is not None
    assert spec.origin is not None
    (environment.site / "elftools").symlink_to(Path(spec.origin).parent)
    return environment


def compile_library(path: Path, source: str, *options: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    source_file = path.with_suffix(".c")
    source_file.write_text(source)
    command = ["gcc", "-shared", "-fPIC", "-nostartfiles", "-o", str(path), str(source_file), *options]
    subprocess.run(command, check=True, capture_output=True)
    source_file.unlink()
    return path


def calling(*names: str) -> str:
    declared = "".join(f"extern void {name}(void);\n" for name in names)
    return f"{declared}void PyInit_it(void) {{ {' '.join(f'{name}();' for name in names)} }}\n"


def install_torch(environment: Environment, *names: str) -> None:
    """A torch whose libc10 defines these names."""
    environment.install("torch", "2.2.2", {"torch/__init__.py": ""})
    source = "".join(f"void {name}(void) {{}}\n" for name in names)
    compile_library(environment.site / "torch" / "lib" / "libc10.so", source, "-Wl,--hash-style=gnu")


def install_extension(environment: Environment, content: bytes, *, name: str = CONV_FILE) -> None:
    environment.install("causal-conv1d", "1.4.0", {name: content})


def extension(tmp_path: Path, source: str, options: Sequence[str] = ()) -> bytes:
    return compile_library(tmp_path / "made" / CONV_FILE, source, *options).read_bytes()


def look(environment: Environment) -> tuple[KernelBinary, KernelBinaries]:
    seen = environment.observe(KernelBinaries, packages=["causal-conv1d"])
    return seen.binaries[0], seen


def judge(seen: KernelBinaries) -> Finding:
    """Beside a selective_scan_cuda that is sound."""
    whole = KernelBinaries(binaries=(*seen.binaries, SCAN_BINARY), libraries=seen.libraries, glibcxx=seen.glibcxx)
    return kernel_symbols.check(context(TORCH, whole))


def test_an_extension_whose_names_torch_has_passes(environment: Environment, tmp_path: Path) -> None:
    install_torch(environment, SET_DEVICE_2_2, OLD_STRING)
    install_extension(environment, extension(tmp_path, calling(SET_DEVICE_2_2, OLD_STRING)))
    binary, seen = look(environment)
    assert (binary.missing, binary.needed_count, binary.cxx11_abi) == ((), 2, False)
    assert binary.built_for == "torch 2.2 or older"
    assert judge(seen).verdict == "pass"


def test_an_extension_of_a_newer_torch_is_told_with_who_built_it(environment: Environment, tmp_path: Path) -> None:
    install_torch(environment, SET_DEVICE_2_2)
    install_extension(environment, extension(tmp_path, calling(SET_DEVICE_2_3)))
    binary, seen = look(environment)
    assert binary.missing == (SET_DEVICE_2_3,)
    finding = judge(seen)
    assert "compiled for torch 2.3 to 2.7, as _ZN3c104cuda9SetDeviceEa" in finding.summary
    assert finding.remedy == "bgb kernels build --install"


def test_an_extension_of_the_other_string_is_told_as_that(environment: Environment, tmp_path: Path) -> None:
    install_torch(environment, OLD_STRING)
    install_extension(environment, extension(tmp_path, calling(NEW_STRING)))
    _, seen = look(environment)
    assert "_GLIBCXX_USE_CXX11_ABI=1, expected 0" in judge(seen).summary


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"<html>not found</html>", b"\x7fELF" + b"\0" * 400])
def test_a_file_that_is_cut_short_or_no_library_is_named(environment: Environment, content: bytes) -> None:
    install_torch(environment, SET_DEVICE_2_2)
    install_extension(environment, content)
    binary, seen = look(environment)
    assert binary.error
    assert f"{CONV_FILE} is no shared library" in judge(seen).summary


def test_an_extension_of_another_python_is_not_imported(environment: Environment, tmp_path: Path) -> None:
    install_torch(environment, SET_DEVICE_2_2)
    content = extension(tmp_path, calling(SET_DEVICE_2_2))
    install_extension(environment, content, name="causal_conv1d_cuda.cpython-39-x86_64-linux-gnu.so")
    assert "has a suffix that this Python does not import" in judge(look(environment)[1]).summary


def test_a_version_that_no_library_here_serves_is_below_the_floor(environment: Environment, tmp_path: Path) -> None:
    stub = compile_library(
        tmp_path / "libstdc++.so.6",
        "void of_the_future(void) {}\n",
        f"-Wl,--version-script={_write(tmp_path / 'map', 'GLIBCXX_9.9.99 { of_the_future; };')}",
        "-Wl,-soname,libstdc++.so.6",
    )
    install_torch(environment)
    install_extension(environment, extension(tmp_path, calling("of_the_future"), [str(stub)]))
    binary, seen = look(environment)
    assert (binary.glibcxx, binary.needed) == ("9.9.99", ("libstdc++.so.6",))
    assert "GLIBCXX is 3.4." in kernel_floor.check(context(MACHINE, seen)).summary


def test_where_libraries_are_looked_for_first_is_told(environment: Environment, tmp_path: Path) -> None:
    install_torch(environment)
    install_extension(environment, extension(tmp_path, calling(), ["-Wl,-rpath,/opt/a:/opt/b"]))
    assert look(environment)[0].search_path == ("/opt/a", "/opt/b")


def test_the_code_in_the_fat_binaries_is_read(environment: Environment, tmp_path: Path) -> None:
    install_torch(environment)
    content = extension(tmp_path, calling()) + fat_binary((2, 80), (2, 90), (1, 90)) + b"junk" + fat_binary((2, 70))
    install_extension(environment, content)
    binary, _ = look(environment)
    assert binary.machine_code == ("sm_70", "sm_80", "sm_90")
    assert binary.intermediate_code == ("compute_90",)


def test_without_torch_there_are_no_libraries_to_compare(environment: Environment, tmp_path: Path) -> None:
    install_extension(environment, extension(tmp_path, calling(SET_DEVICE_2_2)))
    binary, seen = look(environment)
    assert seen.libraries == ()
    assert binary.missing == (SET_DEVICE_2_2,)


def fat_binary(*entries: tuple[int, int]) -> bytes:
    """As `fatbinary` writes it: a header, and for each code its kind, sizes and architecture."""
    body = b"".join(struct.pack("<HHIQ12xI32x", kind, 257, 64, 8, arch) + b"\0" * 8 for kind, arch in entries)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
