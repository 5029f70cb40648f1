"""What a policy or a lock states beforehand, one class for each `[expect.<key>]` table. Left out is not asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from envcheck.core import Expectation


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPackages(Expectation):
    """The pins of a lockfile that apply to one place. `envcheck.lockfile` makes it; a policy cannot state it."""

    key: ClassVar[str] = "locked_packages"

    file: str
    """The lockfile, as commands name it."""
    digest: str
    required: dict[str, str]
    """Version by normalised name: these must be installed."""
    optional: dict[str, str]
    """Of extras that were not asked for: these may be, in this version."""

    def version_of(self, name: str) -> str | None:
        """The pinned version; None: the lock does not know the package."""
        return self.required.get(name, self.optional.get(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPython(Expectation):
    """Which Python."""

    key: ClassVar[str] = "python"

    version: str
    """As much of it as matters: `3.11` or `3.11.9`."""
    implementation: str = "cpython"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPackages(Expectation):
    """What may deviate from the lock. Names are normalised: lower case, words joined by `-`."""

    key: ClassVar[str] = "packages"

    extras: tuple[str, ...] = ()
    """Extras of the lock that must be installed."""
    allow_unlisted: tuple[str, ...] = ()
    """Packages that may be installed without a pin, from any origin: the project itself, and pip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedTorch(Expectation):
    """Which build of torch, as its `version.py` states it."""

    key: ClassVar[str] = "torch"

    version: str
    """With the build: `2.2.2+cu121`."""
    cuda: str
    git_version: str | None = None
    cxx11_abi: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedMachine(Expectation):
    """What the machine must at least have. GiB are 2**30 bytes."""

    key: ClassVar[str] = "machine"

    cores: float = 1.0
    memory_gib: float = 0.0
    shared_memory_gib: float = 0.0
    free_gib: dict[str, float] = field(default_factory=dict)
    """By the name of the place that will be written to."""
    glibc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedGpu(Expectation):
    """The GPUs that the run needs."""

    key: ClassVar[str] = "gpu"

    count: int = 1
    names: tuple[str, ...] = ()
    """Any of these, exactly as the driver says; empty: any."""
    memory_gib: float = 0.0
    driver_cuda: str = "12.0"
    """The oldest CUDA that the driver may be made for. Minor versions are compatible: torch for 12.1 runs from 12.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedKernels(Expectation):
    """Compiled extension packages: what they must have been made from, and for what."""

    key: ClassVar[str] = "kernels"

    commits: dict[str, str]
    """Full upstream commit by normalised distribution name; each must have been compiled from it."""
    toolkit: str = "12.1"
    """The CUDA toolkit to compile with. Another minor version is advice, another major one an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedNumerics(Expectation):
    """How far compiled operators may be from float64."""

    key: ClassVar[str] = "numerics"

    relative_error: dict[str, float] = field(
        default_factory=lambda: {"float32": 5e-3, "float16": 1e-2, "bfloat16": 5e-2}
    )
    """By type: norm of the difference over norm of the reference. Triton multiplies float32 as TF32, with 10 bits of
    mantissa as float16; bfloat16 has 7. About ten roundings of each (2**-11, 2**-8) add up along a layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedSpeed(Expectation):
    """How slow compiled operators may be."""

    key: ClassVar[str] = "speed"

    max_times_floor: float = 10.0
    """Measured time over what bytes and operations take at the card's peak rates."""
    min_mixed_speedup: float = 1.2
    """Time of a layer in float32 over its time in mixed precision."""


EXPECTATIONS: dict[str, type[Expectation]] = {
    kind.key: kind
    for kind in (
        ExpectedPython,
        ExpectedPackages,
        ExpectedTorch,
        ExpectedMachine,
        ExpectedGpu,
        ExpectedKernels,
        ExpectedNumerics,
        ExpectedSpeed,
    )
}
"""What a policy may state."""
