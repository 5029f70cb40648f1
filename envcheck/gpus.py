"""GPUs that are rented, by the name that the driver gives them: what a run can know before it pays for one.

Capabilities from NVIDIA's list of CUDA GPUs; bandwidth and dense peak rates, without sparsity, from the data sheets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One model of card at its best. GB are 10**9 bytes, TFLOP/s 10**12 operations a second."""

    capability: str
    """Compute capability, as `8.0`."""
    multiprocessors: int
    """Kernels take it as an argument, so that what was compiled for one count is not found with another."""
    memory_gb: int
    bandwidth_gb_per_second: float
    float32_tflops: float
    """Outside tensor cores."""
    half_tflops: float
    """float16 with float32 accumulation, on tensor cores where there are any; bfloat16 is the same from 8.0 on."""


GPUS: Mapping[str, Gpu] = {
    "Tesla P100-PCIE-16GB": Gpu(
        multiprocessors=56,
        capability="6.0",
        memory_gb=16,
        bandwidth_gb_per_second=732,
        float32_tflops=9.3,
        half_tflops=18.7,
    ),
    "Tesla P40": Gpu(
        multiprocessors=30,
        capability="6.1",
        memory_gb=24,
        bandwidth_gb_per_second=346,
        float32_tflops=12,
        half_tflops=0.19,
    ),
    "Tesla V100-SXM2-16GB": Gpu(
        multiprocessors=80,
        capability="7.0",
        memory_gb=16,
        bandwidth_gb_per_second=900,
        float32_tflops=15.7,
        half_tflops=125,
    ),
    "Tesla V100-SXM2-32GB": Gpu(
        multiprocessors=80,
        capability="7.0",
        memory_gb=32,
        bandwidth_gb_per_second=900,
        float32_tflops=15.7,
        half_tflops=125,
    ),
    "Tesla T4": Gpu(
        multiprocessors=40,
        capability="7.5",
        memory_gb=16,
        bandwidth_gb_per_second=320,
        float32_tflops=8.1,
        half_tflops=65,
    ),
    "NVIDIA A100-SXM4-40GB": Gpu(
        multiprocessors=108,
        capability="8.0",
        memory_gb=40,
        bandwidth_gb_per_second=1555,
        float32_tflops=19.5,
        half_tflops=312,
    ),
    "NVIDIA A100-PCIE-40GB": Gpu(
        multiprocessors=108,
        capability="8.0",
        memory_gb=40,
        bandwidth_gb_per_second=1555,
        float32_tflops=19.5,
        half_tflops=312,
    ),
    "NVIDIA A100-SXM4-80GB": Gpu(
        multiprocessors=108,
        capability="8.0",
        memory_gb=80,
        bandwidth_gb_per_second=2039,
        float32_tflops=19.5,
        half_tflops=312,
    ),
    "NVIDIA A100 80GB PCIe": Gpu(
        multiprocessors=108,
        capability="8.0",
        memory_gb=80,
        bandwidth_gb_per_second=1935,
        float32_tflops=19.5,
        half_tflops=312,
    ),
    "NVIDIA A10": Gpu(
        multiprocessors=72,
        capability="8.6",
        memory_gb=24,
        bandwidth_gb_per_second=600,
        float32_tflops=31.2,
        half_tflops=125,
    ),
    "NVIDIA A10G": Gpu(
        multiprocessors=80,
        capability="8.6",
        memory_gb=24,
        bandwidth_gb_per_second=600,
        float32_tflops=31.2,
        half_tflops=70,
    ),
    "NVIDIA GeForce RTX 3090": Gpu(
        multiprocessors=82,
        capability="8.6",
        memory_gb=24,
        bandwidth_gb_per_second=936,
        float32_tflops=35.6,
        half_tflops=71,
    ),
    "NVIDIA L4": Gpu(
        multiprocessors=58,
        capability="8.9",
        memory_gb=24,
        bandwidth_gb_per_second=300,
        float32_tflops=30.3,
        half_tflops=121,
    ),
    "NVIDIA L40S": Gpu(
        multiprocessors=142,
        capability="8.9",
        memory_gb=48,
        bandwidth_gb_per_second=864,
        float32_tflops=91.6,
        half_tflops=362,
    ),
    "NVIDIA GeForce RTX 4090": Gpu(
        multiprocessors=128,
        capability="8.9",
        memory_gb=24,
        bandwidth_gb_per_second=1008,
        float32_tflops=82.6,
        half_tflops=165,
    ),
    "NVIDIA H100 80GB HBM3": Gpu(
        multiprocessors=132,
        capability="9.0",
        memory_gb=80,
        bandwidth_gb_per_second=3350,
        float32_tflops=67,
        half_tflops=989,
    ),
    "NVIDIA H100 PCIe": Gpu(
        multiprocessors=114,
        capability="9.0",
        memory_gb=80,
        bandwidth_gb_per_second=2000,
        float32_tflops=51,
        half_tflops=756,
    ),
    "NVIDIA H200": Gpu(
        multiprocessors=132,
        capability="9.0",
        memory_gb=141,
        bandwidth_gb_per_second=4800,
        float32_tflops=67,
        half_tflops=989,
    ),
    "NVIDIA B200": Gpu(
        multiprocessors=148,
        capability="10.0",
        memory_gb=180,
        bandwidth_gb_per_second=7700,
        float32_tflops=75,
        half_tflops=2250,
    ),
    "NVIDIA RTX PRO 6000 Blackwell Server Edition": Gpu(
        multiprocessors=188,
        capability="12.0",
        memory_gb=96,
        bandwidth_gb_per_second=1597,
        float32_tflops=120,
        half_tflops=480,
    ),
    "NVIDIA GeForce RTX 5090": Gpu(
        multiprocessors=170,
        capability="12.0",
        memory_gb=32,
        bandwidth_gb_per_second=1792,
        float32_tflops=104.8,
        half_tflops=209.5,
    ),
}
"""By the name that `nvidia-smi` and torch print; a slice (MIG) is no card of this table."""

_TEGRA = {(5, 3), (6, 2), (7, 2), (8, 7)}


def serves(architecture: str, capability: str) -> bool:
    """Whether code as `sm_80` or `compute_80` runs on a card of a compute capability, as `8.9`.

    Machine code runs on its own major version, from its minor version on (CUDA C++ Programming Guide, binary
    compatibility), that of Tegra on no card; `compute_` is compiled by the driver for anything as new or newer.
    """
    code = re.fullmatch(r"(sm|compute)_(\d+)(\d)[af]?", architecture)
    if code is None:
        return False
    built, card = (int(code[2]), int(code[3])), tuple(int(part) for part in capability.split("."))
    if code[1] == "compute":
        return built <= card
    return built <= card and built[0] == card[0] and built not in _TEGRA
