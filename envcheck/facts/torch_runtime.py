"""torch as it runs: imported, exchanging arrays with numpy, looking for devices.

Runs in a child of its own, so that a crash or a hang on import is seen as one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from envcheck.core import Fact, Tier
from envcheck.redact import redact

# Every way in which a broken installation of torch was seen to fail while it is imported. Anything else
# ends the child, which makes the fact unseen.
_IMPORT_FAILURES = (ImportError, OSError, AttributeError, NameError, RuntimeError, SyntaxError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchDevice:
    """A CUDA device as torch sees it."""

    name: str
    memory_bytes: int
    capability: str
    """Compute capability, as `8.0`."""
    processors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NumpyBridge:
    """Arrays handed to torch. Built for numpy 1, torch 2.2 loads beside numpy 2 and then fails, or changes a type."""

    numpy: str | None
    """None: numpy cannot be imported."""
    from_numpy: str
    """`ok`, or the error."""
    as_tensor: str
    """The type that a float64 array becomes, or the error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchRuntime(Fact):
    """What a process that imports torch gets."""

    key: ClassVar[str] = "torch_runtime"
    tier: ClassVar[Tier] = Tier.STANDARD
    timeout_seconds: ClassVar[float] = 90.0  # 3 to 5 s from a warm disk
    ttl_seconds: ClassVar[float | None] = 1800.0

    error: str | None
    """Why the import failed; None: it did not, and the rest is filled in."""
    version: str | None = None
    cuda: str | None = None
    numpy: NumpyBridge | None = None
    cuda_available: bool = False
    cuda_warnings: tuple[str, ...] = ()
    """What torch said while it looked for devices."""
    devices: tuple[TorchDevice, ...] = ()
    architectures: tuple[str, ...] = ()
    """What its kernels are compiled for, as `sm_80`."""
    matmul_allow_tf32: bool = False
    cudnn_allow_tf32: bool = False
    float32_matmul_precision: str = ""
    threads: int = 0
    interop_threads: int = 0

    @classmethod
    def observe(cls) -> Self:
        """Import torch and ask it."""
        try:
            import torch
        except _IMPORT_FAILURES as error:
            return cls(error=_describe(error))
        available, said = _listening(torch.cuda.is_available)
        flags = getattr(torch._C, "_cuda_getArchFlags", str)()
        return cls(
            error=None,
            version=torch.__version__,
            cuda=torch.version.cuda,
            numpy=_bridge(torch),
            cuda_available=available,
            cuda_warnings=said,
            devices=_devices(torch) if available else (),
            architectures=tuple((flags or "").split()),
            matmul_allow_tf32=torch.backends.cuda.matmul.allow_tf32,
            cudnn_allow_tf32=torch.backends.cudnn.allow_tf32,
            float32_matmul_precision=torch.get_float32_matmul_precision(),
            threads=torch.get_num_threads(),
            interop_threads=torch.get_num_interop_threads(),
        )


def _listening(ask: Callable[[], bool]) -> tuple[bool, tuple[str, ...]]:
    """An answer with the warnings that came with it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = ask()
    return answer, tuple(" ".join(redact(str(item.message)).split()) for item in caught)


def _bridge(torch: Any) -> NumpyBridge:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import numpy
        except ImportError as error:
            return NumpyBridge(numpy=None, from_numpy=_describe(error), as_tensor="")
        return NumpyBridge(
            numpy=numpy.__version__,
            from_numpy=_attempt(lambda: _round_trip(torch, numpy)),
            as_tensor=_attempt(lambda: str(torch.as_tensor(numpy.ones(2, numpy.float64)).dtype).rpartition(".")[2]),
        )


def _round_trip(torch: Any, numpy: Any) -> str:
    """Memory is shared both ways: what one writes the other reads."""
    array = numpy.zeros(2, numpy.float32)
    tensor = torch.from_numpy(array)
    tensor.add_(1)
    return "ok" if float(array.sum()) == 2.0 and float(tensor.numpy().sum()) == 2.0 else "the memory is not shared"


def _attempt(probe: Callable[[], str]) -> str:
    try:
        return probe()
    except (RuntimeError, TypeError, ValueError) as error:
        return _describe(error)


def _devices(torch: Any) -> tuple[TorchDevice, ...]:
    found = (torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count()))
    return tuple(
        TorchDevice(
            name=device.name,
            memory_bytes=device.total_memory,
            capability=f"{device.major}.{device.minor}",
            processors=device.multi_processor_count,
        )
        for device in found
    )


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(redact(str(error)).split())}"
