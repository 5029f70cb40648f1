"""The compiled kernels load, and a call reaches them.

`import mamba_ssm` proves nothing: 2.2.2 takes a causal_conv1d that does not load for an absent one, and says so in the
first forward on the rented GPU. Each thing is loaded by itself; then a tensor on the CPU must be refused by the
compiled code with exactly its own words.

How to fix: mend the first rung that fails; those above it were not tried.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.diagnosis import diagnose
from envcheck.facts.kernel_load import KernelLoad, Rung
from envcheck.remedies import build_kernels, reinstall

_COMPILED = {"causal_conv1d", "selective_scan_cuda", "mamba_ssm", "cpu_probe"}


def check(context: Context) -> Finding:
    """Name the first rung that fails by its cause."""
    rungs = context.facts[KernelLoad].rungs
    evidence = tuple(Evidence(subject=rung.name, found=_words(rung), expected="loads") for rung in rungs)
    broken = next((rung for rung in rungs if rung.error is not None), None)
    if broken is not None:
        known = diagnose(broken.error or "")
        cause = known.cause if known else (broken.error or "").splitlines()[0]
        remedy = build_kernels() if broken.name in _COMPILED else reinstall(context, broken.name)
        if known is not None and not known.remedy.startswith("pip "):
            remedy = known.remedy
        elif known is not None and broken.name == "triton" and "setuptools" in known.cause:
            remedy = reinstall(context, "setuptools")
        what = "the CPU probe is not refused as it must be" if broken.name == "cpu_probe" else f"{broken.name} fails"
        return Finding.failed(f"{what}: {cause}", *evidence, remedy=remedy)
    if not all(rung.tried for rung in rungs):
        return Finding.unknown("not every rung was tried", *evidence, remedy="envcheck observe kernel_load")
    return Finding.passed("both extensions load, and refuse a tensor on the CPU in their own words", *evidence)


def _words(rung: Rung) -> str:
    if not rung.tried:
        return "not tried"
    return rung.error or f"loads ({rung.seconds:.1f} s)"
