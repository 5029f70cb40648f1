"""The compiled operators give the right numbers, forward and backward, in every precision.

bf16 gradients of a length that is no multiple of the chunk came out as NaN upstream with triton 2.2.0; outputs that a
kernel leaves unwritten look right until the memory was used before. A loss curve shows neither for hours.

How to fix: compile the kernels again, or train in the precision that passes; the message names the tensor.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedNumerics
from envcheck.facts.kernel_numerics import KernelNumerics, TensorError
from envcheck.remedies import build_kernels

_OPERATORS = {"causal_conv1d_fn", "mamba_chunk_scan_combined", "selective_scan_fn", "Mamba2"}


def check(context: Context) -> Finding:
    """Compare the relative error of every output and gradient with the tolerance of its type."""
    seen, expected = context.facts[KernelNumerics], context.expect[ExpectedNumerics]
    if seen.device is None:
        return Finding.unknown(f"the numbers were not computed: {seen.problem}", remedy="nvidia-smi")
    if seen.problem is not None and "OutOfMemoryError" in seen.problem:
        return Finding.unknown(f"the numbers found no memory on {seen.device}: {seen.problem}", remedy="nvidia-smi")
    if seen.problem is not None:
        return Finding.failed(f"an operator does not run on {seen.device}: {seen.problem}", remedy=build_kernels())
    missing = [
        (name, dtype) for name in sorted(_OPERATORS) for dtype in expected.relative_error if not _of(seen, name, dtype)
    ]
    if missing:
        summary = f"{missing[0][0]} was not measured in {missing[0][1]}"
        return Finding.unknown(summary, remedy="bgb test-mamba --tier deep")
    evidence = tuple(
        _words(max(errors, key=_size), expected)
        for dtype in expected.relative_error
        if (errors := _of(seen, None, dtype))
    )
    wrong = [
        error for error in seen.errors if not error.finite or _size(error) > expected.relative_error.get(error.dtype, 0)
    ]
    if wrong:
        worst = max(wrong, key=_size)
        found = f"{worst.relative_error:.2g}" if worst.finite else "not finite"
        limit = expected.relative_error.get(worst.dtype, 0)
        return Finding.failed(
            f"{worst.operator} in {worst.dtype}: the relative error of {worst.tensor} is {found}, "
            f"expected at most {limit:g} ({worst.case})",
            *(_words(error, expected) for error in sorted(wrong, key=_size, reverse=True)[:10]),
            remedy=build_kernels(),
        )
    return Finding.passed(f"{len(seen.errors)} tensors within tolerance on {seen.device}", *evidence)


def _of(seen: KernelNumerics, operator: str | None, dtype: str) -> list[TensorError]:
    return [error for error in seen.errors if error.dtype == dtype and operator in (None, error.operator)]


def _size(error: TensorError) -> float:
    return error.relative_error if error.finite else float("inf")


def _words(error: TensorError, expected: ExpectedNumerics) -> Evidence:
    return Evidence(
        subject=f"{error.dtype}: {error.tensor} of {error.operator} ({error.case})",
        found=f"{error.relative_error:.2g}" if error.finite else "not finite",
        expected=f"at most {expected.relative_error.get(error.dtype, 0):g}",
    )
