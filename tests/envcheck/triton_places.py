"""Environments that see this project's triton, and places where it cannot do its work."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from tests.envcheck.environments import Environment, make_environment


def with_triton(prefix: Path, sitecustomize: str = "") -> Environment:
    """An environment that imports what is installed for this project, after running `sitecustomize`."""
    need_triton()
    environment = make_environment(prefix)
    project = Environment(prefix=Path(sys.prefix)).site
    (environment.site / "_project.pth").write_text(f"{project}\n")
    (environment.site / "sitecustomize.py").write_text(sitecustomize)
    return environment


def need_triton() -> None:
    """Skip where the failures of a triton that works otherwise cannot be made."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("triton is not installed here")
    if shutil.which("gcc") is None:
        pytest.skip("triton needs gcc")


NO_HEADERS = "import sysconfig\nsysconfig._INSTALL_SCHEMES['venv']['include'] = '/nonexistent/include'\n"
"""Python without its headers, as slim images have it: the compiler is told of a folder that is not there."""
NO_LDCONFIG = """
import subprocess
started = subprocess.Popen.__init__
def start(self, args, *rest, **options):
    if args[0] == "/sbin/ldconfig":
        args = ["/nonexistent/ldconfig"]
    started(self, args, *rest, **options)
subprocess.Popen.__init__ = start
"""
SMALL_MAMBA = {
    "mamba_ssm/__init__.py": "",
    "mamba_ssm/ops/__init__.py": "",
    "mamba_ssm/ops/triton/__init__.py": "",
    "mamba_ssm/modules/__init__.py": "",
    "mamba_ssm/modules/mamba2.py": """
import torch
from torch import nn
from mamba_ssm.ops.triton import ssd_combined


class Mamba2(nn.Module):
    def __init__(self, d_model, d_state=16, d_conv=4, expand=2, headdim=64, ngroups=1, chunk_size=256):
        super().__init__()
        self.width = expand * d_model
        self.in_proj = nn.Linear(d_model, 2 * self.width + 8, bias=False)
        self.weight = nn.Parameter(torch.ones(self.width, d_conv))

    def forward(self, given):
        return ssd_combined.Scaled.apply(self.in_proj(given), self.weight, self.width)
""",
    "mamba_ssm/ops/triton/ssd_combined.py": '''
"""Kernels with all that decides a cache key: views with an offset, sums in float32, None, 1, a count of processors."""
import math
import torch
import triton
import triton.language as tl
from torch.cuda.amp import custom_bwd, custom_fwd

causal_conv1d_cuda = None


@triton.autotune(
    configs=[
        triton.Config({"BLOCK": 64}, num_warps=2),
        triton.Config({"BLOCK": 128}, num_warps=4, num_stages=3, pre_hook=lambda given: given["sums"].zero_()),
    ],
    key=["width"],
)
@triton.heuristics({"HAS_GATE": lambda given: given["gate"] is not None})
@triton.jit
def scaled_kernel(source, gate, target, sums, width, row, step, rows_per_program, eps,
                  HAS_GATE: tl.constexpr, BLOCK: tl.constexpr):
    cols = tl.arange(0, BLOCK)
    value = tl.load(source + tl.program_id(0) * row + cols * step, mask=cols < width, other=0.0).to(tl.float32) + eps
    if HAS_GATE:
        value *= tl.load(gate + cols, mask=cols < width, other=0.0).to(tl.float32)
    tl.store(target + cols * rows_per_program, value, mask=cols < width)
    tl.store(sums + cols, value, mask=cols < width)


@triton.jit
def doubled_kernel(source, target, width, BLOCK: tl.constexpr):
    cols = tl.arange(0, BLOCK)
    tl.store(target + cols, 2 * tl.load(source + cols, mask=cols < width), mask=cols < width)


def scaled(source, gate, width):
    rows = source.shape[0] * source.shape[1]
    target = torch.empty_like(source)
    sums = torch.empty(width, dtype=torch.float32, device=source.device)
    processors = torch.cuda.get_device_properties(source.device).multi_processor_count
    with torch.cuda.device(source.device.index):
        scaled_kernel[lambda META: (rows, triton.cdiv(width, META["BLOCK"]))](
            source, gate, target, sums, width, source.stride(1), source.stride(2), math.ceil(rows / processors), 1e-5)
    return target


class Scaled(torch.autograd.Function):
    @staticmethod
    @custom_fwd
    def forward(ctx, zx, weight, width):
        gate, x, rest = torch.split(zx, [width, width, 8], dim=-1)
        moved = causal_conv1d_cuda.causal_conv1d_fwd(x.transpose(1, 2), weight, None, None, None, None, True)
        out = scaled(moved.transpose(1, 2), gate, width)
        ctx.save_for_backward(zx, weight)
        ctx.width = width
        dtype = torch.get_autocast_gpu_dtype() if torch.is_autocast_enabled() else torch.float32
        return out.to(dtype)

    @staticmethod
    @custom_bwd
    def backward(ctx, dout):
        zx, weight = ctx.saved_tensors
        gate, x, rest = torch.split(zx, [ctx.width, ctx.width, 8], dim=-1)
        dzx = torch.empty_like(zx)
        dx = dzx[..., ctx.width + 8 : 2 * ctx.width + 8]
        doubled_kernel[(1,)](scaled(dout, None, ctx.width), dx[..., 1:], ctx.width, BLOCK=128, num_warps=1)
        dx, dweight, _, _ = causal_conv1d_cuda.causal_conv1d_bwd(
            x.transpose(1, 2), weight, None, dx.transpose(1, 2), None, None, None, dx.transpose(1, 2), False, True)
        return dzx, dweight, None
''',
}
"""A layer with the names that are looked for in mamba_ssm, small enough to compile in seconds."""
REAL_LAUNCHES = '''
"""The other way to the same cache: tensors with memory, Triton's own launches, a driver that does nothing."""
import contextlib, json, sys
from types import SimpleNamespace
import torch
import triton.compiler.compiler as compiler
from triton.runtime import autotuner, jit
from mamba_ssm.modules.mamba2 import Mamba2
from mamba_ssm.ops.triton import ssd_combined

layer, dtype, processors = json.loads(sys.argv[1]), getattr(torch, sys.argv[2]), int(sys.argv[3])
torch.cuda.is_available = lambda: True
torch.cuda.current_device = lambda: 0
torch.cuda.set_device = lambda device: None
torch.cuda.get_device_capability = lambda device=None: (8, 0)
torch.cuda.get_device_properties = lambda device: SimpleNamespace(multi_processor_count=processors)
torch.cuda.device = lambda index: contextlib.nullcontext()
torch.cuda.is_bf16_supported = lambda: True
torch.cuda.amp.common.amp_definitely_not_available = lambda: False
jit.get_cuda_stream = lambda device=None: 0
jit.JITFunction._device_of = staticmethod(lambda value: "cuda" if isinstance(value, torch.Tensor) else "")
launched = []
launch = compiler.CompiledKernel.assemble_tensormap_to_arg
compiler.CompiledKernel.assemble_tensormap_to_arg = lambda self, given: launched.append(self) or launch(self, given)
tune = autotuner.Autotuner.run
autotuner.Autotuner.run = lambda self, *given, **named: self.cache.clear() or tune(self, *given, **named)
autotuner.do_bench = lambda call, **options: call() or [0.0, 0.0, 0.0]
ssd_combined.causal_conv1d_cuda = SimpleNamespace(
    causal_conv1d_fwd=lambda x, *rest: torch.empty_like(x),
    causal_conv1d_bwd=lambda x, w, b, *rest: (
        rest[4], torch.zeros_like(w), None if b is None else torch.zeros_like(b), None),
)
batch, steps = layer.pop("batch"), layer.pop("steps")
module = Mamba2(**layer)
lowered = dtype is not torch.float32
if lowered:
    torch.set_autocast_gpu_dtype(dtype)
    torch.set_autocast_cpu_dtype(dtype)
torch.set_autocast_enabled(lowered)
torch.set_autocast_cpu_enabled(lowered)
produced = module(torch.randn(batch, steps, layer["d_model"]))
produced.backward(torch.ones_like(produced))
print(len(launched))
'''
"""Arguments: the layer, the type of autocast, the number of multiprocessors."""
