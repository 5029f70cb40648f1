"""Triton as it compiles: one small kernel to machine code for each kind of GPU, with its launcher, without a GPU."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from envcheck.core import Fact, Tier
from envcheck.places import in_environment, shown
from envcheck.stub_driver import compiler, complaint, standing_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """The kernel for one compute capability."""

    capability: str
    """As `8.0`."""
    cubin_bytes: int | None
    seconds: float
    error: str | None
    """What Triton and the programs it runs said; None: it compiled, and its launcher was built and loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TritonProbe(Fact):
    """What comes of compiling with Triton here, in a fresh cache and against a stub of the driver."""

    key: ClassVar[str] = "triton_probe"
    tier: ClassVar[Tier] = Tier.STANDARD
    timeout_seconds: ClassVar[float] = 180.0  # 4 s where torch is on a warm disk, a quarter of a second for each kernel

    error: str | None
    """Why triton could not be imported; None: it could."""
    version: str | None = None
    compiler: str | None = None
    """The C compiler that is called, as CC or PATH name it."""
    ptxas: str | None = None
    ptxas_version: str | None = None
    """The CUDA release that the assembler is from, as `12.3`."""
    compiled: tuple[Compilation, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    """The variables that Triton reads and that are set."""

    @classmethod
    def observe(cls, capabilities: Sequence[str] = ("8.0",)) -> Self:
        """Import triton, which imports torch, and compile once for each of `capabilities`."""
        named, command = _variables(), compiler()
        with standing_in():
            failure = complaint(_load)
            if failure is not None:
                return cls(error=failure, variables=named)
            import triton

            ptxas, ptxas_version = _assembler()
            return cls(
                error=None,
                version=triton.__version__,
                compiler=shown(command) if command else None,
                ptxas=ptxas,
                ptxas_version=ptxas_version,
                compiled=tuple(_compile(capability) for capability in capabilities),
                variables=named,
            )


def _load() -> None:
    from triton.compiler import compile  # noqa: F401

    from envcheck import triton_kernel  # noqa: F401


def _assembler() -> tuple[str | None, str | None]:
    from triton.common.backend import path_to_ptxas

    try:
        path, version = path_to_ptxas()
    except (OSError, RuntimeError, subprocess.CalledProcessError):  # the compilation says it, in Triton's words
        return None, None
    return in_environment(os.path.realpath(path)), version


def _compile(capability: str) -> Compilation:
    from triton.compiler import compile

    from envcheck.triton_kernel import doubled

    compiled: list[Any] = []
    target, signature = int(capability.replace(".", "")), {0: "*fp32", 1: "*fp32", 2: "i32"}
    options = {"constants": {3: 128}, "device_type": "cuda", "cc": target}
    started = time.monotonic()
    error = complaint(lambda: compiled.append(compile(doubled, signature=signature, **options)))
    seconds = round(time.monotonic() - started, 3)
    size = len(compiled[0].asm["cubin"]) if compiled else None
    return Compilation(capability=capability, cubin_bytes=size, seconds=seconds, error=error)


def _variables() -> dict[str, str]:
    return {name: shown(value) for name, value in sorted(os.environ.items()) if name == "CC" or name[:7] == "TRITON_"}
