"""The compiled kernels load, and a call reaches them.

`import mamba_ssm` proves nothing: 2.2.2 takes a causal_conv1d that does not load for an absent one, and says so in the
first forward on the rented GPU. Each thing is loaded by itself; then a tensor on the CPU must be refused by the
compiled code with exactly its own words.

How to fix: mend the first rung that fails; those above it were not tried.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.diagnosis import Diagnosis, diagnose
from envcheck.facts.kernel_load import KernelLoad, Rung
from envcheck.load_rungs import REFUSAL
from envcheck.remedies import build_kernels, install_pinned, python_command, reinstall

_COMPILED = ("causal_conv1d", "selective_scan_cuda", "mamba_ssm", "modules", "cpu_probe")
_SAID = {
    "numpy": "torch and numpy do not exchange arrays",
    "transformers": "transformers does not have what mamba_ssm imports",
    "modules": "mamba_ssm loads without causal_conv1d",
    "cpu_probe": "the CPU probe is not refused as it must be",
}


def check(context: Context) -> Finding:
    """Name the first rung that fails by its cause."""
    rungs = context.facts[KernelLoad].rungs
    evidence = tuple(_evidence(rung) for rung in rungs)
    broken = next((rung for rung in rungs if rung.error is not None), None)
    if broken is not None:
        return _broken(context, broken, evidence)
    if not rungs or not all(rung.tried for rung in rungs):
        command = f"{python_command(context)} -m envcheck observe kernel_load"
        return Finding.unknown("not every rung was tried, expected all of them", *evidence, remedy=command)
    return Finding.passed("both extensions load and are called: the CPU probe is refused as it must be", *evidence)


def _broken(context: Context, rung: Rung, evidence: tuple[Evidence, ...]) -> Finding:
    said = _SAID.get(rung.name, f"{rung.name} does not load")
    known = next(filter(None, map(diagnose, (rung.error or "", *rung.notes))), None)
    if REFUSAL in (rung.error or ""):  # to be on the CPU is right here; that it was said in another way is not
        known = None
    cause = known.cause if known is not None else rung.error
    if rung.loads_alone:
        cause = f"{cause}, though in a process of its own it loads"
    return Finding.failed(f"{said}: {cause}", *evidence, remedy=_remedy(context, rung, known))


def _remedy(context: Context, rung: Rung, known: Diagnosis | None) -> str:
    if known is not None and known.package is None:
        return known.remedy
    if known is None and rung.name in _COMPILED:
        return build_kernels()
    package = rung.name if known is None or known.package is None else known.package
    if package == "transformers":
        return install_pinned(context, package, "transformers>=4.36,<5")
    return reinstall(context, package)


def _evidence(rung: Rung) -> Evidence:
    found = (rung.error or f"loads ({rung.seconds:.1f} s)") if rung.tried else "not tried"
    return Evidence(subject=rung.name, found="; ".join((found, *rung.notes)), expected="loads")
