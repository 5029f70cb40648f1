"""torch imports, is the build that was looked at, and exchanges arrays with numpy.

Beside numpy 2, torch 2.2 imports with a warning and exit status 0; afterwards `torch.from_numpy` fails and
`torch.as_tensor` of float64 silently becomes float32. A missing library or a crash shows only in a process that
really imports torch.

How to fix: install what the finding names from the lock.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedTorch
from envcheck.facts.torch_runtime import NumpyBridge, TorchRuntime
from envcheck.remedies import reinstall


def check(context: Context) -> Finding:
    """Judge the import, the version that was loaded, and both directions of the numpy bridge."""
    seen, expected = context.facts[TorchRuntime], context.expect[ExpectedTorch]
    if seen.error is not None:
        return Finding.failed(
            f"torch cannot be imported: {seen.error}",
            Evidence(subject="import torch", found=seen.error, expected=expected.version),
            remedy=reinstall(context, "torch"),
        )
    if seen.version != expected.version:
        return Finding.failed(
            f"the torch that loads is {seen.version}, expected {expected.version}",
            Evidence(subject="torch.__version__", found=str(seen.version), expected=expected.version),
            remedy=reinstall(context, "torch"),
        )
    broken = tuple(item for item in _bridge(seen.numpy) if item.found != item.expected)
    if broken:
        return Finding.failed(
            f"{broken[0].subject} gives {broken[0].found}, expected {broken[0].expected}",
            *broken,
            Evidence(subject="numpy", found=(seen.numpy and seen.numpy.numpy) or "cannot be imported"),
            remedy=reinstall(context, "numpy"),
        )
    return Finding.passed(f"torch {seen.version} imports and exchanges arrays with numpy", *_bridge(seen.numpy))


def _bridge(bridge: NumpyBridge | None) -> tuple[Evidence, Evidence]:
    from_numpy, as_tensor = (bridge.from_numpy, bridge.as_tensor) if bridge else ("not tried", "not tried")
    return (
        Evidence(subject="torch.from_numpy", found=from_numpy, expected="ok"),
        Evidence(subject="torch.as_tensor of float64", found=as_tensor, expected="float64"),
    )
