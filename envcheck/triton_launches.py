"""What a step of mamba_ssm's Mamba2 launches through Triton, without a GPU and without the memory of its tensors.

The layer's own forward and backward run on tensors that have shapes, strides and offsets but no storage, and Triton's
own `JITFunction.run` derives from them what it would compile; only compiling and launching are taken out. What it then
compiles has the cache keys of a real run, where an argument's type, its divisibility by 16, whether it is 1, the
compute capability and the number of multiprocessors count.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

from envcheck.core import Json

_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
_SETTINGS = ("d_model", "d_state", "d_conv", "expand", "headdim", "ngroups", "chunk_size")


@dataclass(slots=True, kw_only=True)
class Recorded:
    """The launches of all steps, and what Triton asked its compiler for: a function with options, each once."""

    launches: int = 0
    wanted: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)


def record(layers: Sequence[Mapping[str, Json]], capability: str, processors: int) -> Recorded:
    """Run a forward and a backward of each layer in each of its `dtypes`; needs torch, triton and mamba_ssm.

    A layer has Mamba2's settings by their names, and `batch`, `steps` and `dtypes`. Types other than float32 are
    those of autocast, with parameters in float32.
    """
    from torch._subclasses import FakeTensorMode

    seen = Recorded()
    tensors_without_memory: Any = FakeTensorMode
    with gpu(capability, processors), _recording(seen), tensors_without_memory():
        for layer in layers:
            for dtype in _texts(layer["dtypes"]):
                _step(layer, _DTYPES.get(dtype, dtype))
    return seen


@contextlib.contextmanager
def gpu(capability: str, processors: int) -> Iterator[None]:
    """torch and Triton are told that device 0 is of this capability and has this many multiprocessors."""
    import torch
    import triton.compiler.compiler as compiler

    major, minor = (int(part) for part in capability.split("."))
    properties = SimpleNamespace(multi_processor_count=processors, major=major, minor=minor)
    with contextlib.ExitStack() as stack:
        for place, name, value in (
            (compiler, "get_current_device", lambda: 0),
            (compiler, "get_device_capability", lambda _: (major, minor)),
            (torch.cuda, "device", lambda _: contextlib.nullcontext()),
            (torch.cuda, "get_device_properties", lambda _: properties),
            (torch.cuda, "is_bf16_supported", lambda: major >= 8),
            (torch.cuda.amp.common, "amp_definitely_not_available", lambda: False),
        ):
            stack.enter_context(mock.patch.object(place, name, value))
        yield


@contextlib.contextmanager
def _recording(seen: Recorded) -> Iterator[None]:
    import triton.compiler
    from mamba_ssm.ops.triton import ssd_combined
    from triton.runtime import autotuner
    from triton.runtime.jit import JITFunction

    run, tune = JITFunction.run, autotuner.Autotuner.run

    def launch(self: Any, *arguments: Any, **named: Any) -> Any:
        seen.launches += 1
        options = {name: _addressed(value) for name, value in named.items()}
        place = {"device_type": "cuda", "device": 0, "stream": 0, "warmup": True}
        return run(self, *map(_addressed, arguments), **options, **place)

    def choose(self: Any, *arguments: Any, **named: Any) -> Any:
        self.cache.clear()  # which choice is the fastest is not known here, so every launch needs them all
        return tune(self, *arguments, **named)

    def compile_later(kernel: Any, **options: Any) -> None:
        seen.wanted.append((kernel, options))

    def every_choice(call: Any, **_: Any) -> list[float]:
        call()
        return [0.0, 0.0, 0.0]

    convolution = SimpleNamespace(causal_conv1d_fwd=_convolved, causal_conv1d_bwd=_convolution_gradients)
    with (
        mock.patch.object(JITFunction, "run", launch),
        mock.patch.object(autotuner.Autotuner, "run", choose),
        mock.patch.object(triton.compiler, "compile", compile_later),
        mock.patch.object(autotuner, "do_bench", every_choice),
        mock.patch.object(ssd_combined, "causal_conv1d_cuda", convolution),
    ):
        yield


@dataclass(frozen=True, slots=True)
class _Pointer:
    """A tensor as Triton sees it. An allocation starts at a multiple of 512, so its offset decides the alignment."""

    dtype: Any
    address: int

    def data_ptr(self) -> int:
        return self.address


def _addressed(value: Any) -> Any:
    import torch

    if not isinstance(value, torch.Tensor):
        return value
    return _Pointer(value.dtype, value.storage_offset() * value.element_size())


def _step(layer: Mapping[str, Json], dtype: str) -> None:
    import torch
    from mamba_ssm.modules.mamba2 import Mamba2

    module = Mamba2(**{name: layer[name] for name in _SETTINGS if name in layer})
    shape: Any = [layer[name] for name in ("batch", "steps", "d_model")]
    given = torch.empty(shape, requires_grad=True)
    with _autocast(getattr(torch, dtype)):
        produced = module(given)
        produced.backward(torch.empty_like(produced))


@contextlib.contextmanager
def _autocast(dtype: Any) -> Iterator[None]:
    """Both flags: mamba_ssm asks for that of CUDA, and operators obey that of the tensors' own device, the CPU."""
    import torch

    lowered = dtype is not torch.float32
    before = torch.get_autocast_gpu_dtype(), torch.get_autocast_cpu_dtype()
    torch.set_autocast_gpu_dtype(dtype if lowered else before[0])
    torch.set_autocast_cpu_dtype(dtype if lowered else before[1])
    torch.set_autocast_enabled(lowered)
    torch.set_autocast_cpu_enabled(lowered)
    try:
        yield
    finally:
        torch.set_autocast_enabled(False)
        torch.set_autocast_cpu_enabled(False)
        torch.set_autocast_gpu_dtype(before[0])
        torch.set_autocast_cpu_dtype(before[1])
        torch.clear_autocast_cache()


def _convolved(x: Any, *_: Any) -> Any:
    """causal_conv1d 1.4.0 returns `torch::empty_like(x)`, filled."""
    import torch

    return torch.empty_like(x)


def _convolution_gradients(x: Any, weight: Any, bias: Any, *given: Any) -> tuple[Any, ...]:
    """The gradient of x goes where the caller says, the fifth of what follows the bias; the others are new."""
    import torch

    return given[4], torch.empty_like(weight), None if bias is None else torch.empty_like(bias), None


def _texts(value: Json) -> list[str]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [str(item) for item in value]
    raise TypeError(f"expected a list of types, found {value!r}")
