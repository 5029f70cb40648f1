"""A CUDA driver made of C that answers and does nothing: Triton compiles and links against it without a GPU.

`stub_driver.c` is its source; what it answers is in its variables (FAKE_DRV, FAKE_INIT, FAKE_COUNT, FAKE_CC).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from envcheck.redact import redact

SOURCE = Path(__file__).with_name("stub_driver.c")
_WORDS = 1500
"""How much of what a failed compilation says is kept: its end, where compilers state the cause."""


def compiler() -> str | None:
    """The C compiler that Triton 2.2 takes: CC as it stands, or gcc, or clang; None: none of them is on PATH."""
    return os.environ["CC"] if "CC" in os.environ else shutil.which("gcc") or shutil.which("clang")


def build(folder: Path, command: str) -> Path:
    """Compile the driver into `folder`, which then serves as LD_LIBRARY_PATH and TRITON_LIBCUDA_PATH.

    Both names are needed: programs load `libcuda.so.1`, a linker asked for `-lcuda` looks for `libcuda.so`.
    """
    library = folder / "libcuda.so.1"
    options = ["-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run([command, *options], check=True, capture_output=True)
    link = folder / "libcuda.so"
    link.unlink(missing_ok=True)
    link.symlink_to(library.name)
    return library


@contextlib.contextmanager
def standing_in(cache: Path | None = None) -> Iterator[Path]:
    """This process compiles with Triton against the stub, into `cache` or a folder that goes when this ends.

    The stub is loaded before anything asks for `libcuda.so.1`, so a driver that is there is not used, and says "no
    device" to whoever asks it for one. Without a compiler that works nothing is built: Triton then says so itself.
    """
    with tempfile.TemporaryDirectory(prefix="envcheck-triton-") as folder:
        place = Path(folder)
        command = compiler()
        if command is not None:
            with contextlib.suppress(subprocess.CalledProcessError, OSError):
                ctypes.CDLL(str(build(place, command)), mode=ctypes.RTLD_GLOBAL)
        kept = place / "cache" if cache is None else cache
        # Triton writes every stage to ~/.triton/dump besides, which is nobody's wish here.
        variables = {"TRITON_LIBCUDA_PATH": folder, "TRITON_CACHE_DIR": str(kept), "HOME": folder, "FAKE_INIT": "100"}
        with _set(variables):
            yield kept


@contextlib.contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def complaint(compile_it: Callable[[], object]) -> str | None:
    """What goes wrong when `compile_it` is called, in the words of Triton and of the compilers that it runs, or None.

    A C compiler writes to descriptor 2 why it failed, and Triton's exception has only its exit status.
    """
    with tempfile.TemporaryFile() as heard:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(heard.fileno(), 2)
        try:
            compile_it()
        # Anything may come out of a compiler, and all of it is the answer that was asked for.
        except Exception as error:
            failure: Exception = error
        else:
            return None
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        heard.seek(0)
        said = heard.read().decode(errors="replace")
    text = redact(f"{said} {type(failure).__name__}: {failure}")
    return " ".join(text.split())[-_WORDS:]
