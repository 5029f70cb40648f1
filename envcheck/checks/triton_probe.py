"""Triton compiles a kernel for the GPU that the run is for.

The ptxas in triton 2.2.0 is that of CUDA 12.3 and knows no Blackwell: on an RTX 5090 every kernel ends in "Value
'sm_120' is not defined". TRITON_INTERPRET=1, left over from debugging, runs kernels in Python instead.

How to fix: what is missing is named; a GPU that is too new has to be exchanged for another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from envcheck.core import Context, Evidence, Finding, NotSeen
from envcheck.expectations import ExpectedGpu
from envcheck.facts.triton_probe import Compilation, TritonProbe
from envcheck.gpus import GPUS
from envcheck.remedies import python_command
from envcheck.triton_causes import cause_of

_NEWEST = 9.0
"""The newest compute capability that the ptxas of triton 2.2.0 knows."""
_OFF = ("", "0", "false", "off")


def check(context: Context) -> Finding:
    """Every GPU expected must have been compiled for; where the policy names none, whatever was tried."""
    seen = context.facts[TritonProbe]
    interpret = seen.variables.get("TRITON_INTERPRET", "")
    if interpret.lower() not in _OFF:
        summary = f"TRITON_INTERPRET is {interpret}, expected unset: kernels would be interpreted, not compiled"
        return Finding.failed(summary, remedy="unset TRITON_INTERPRET")
    if seen.error is not None:
        cause, remedy = cause_of(context, seen.error, _ptxas(seen))
        return Finding.failed(f"triton cannot be imported: {cause}", _said(seen.error), remedy=remedy)
    wanted, strangers = _wanted(context, seen.compiled)
    for result in seen.compiled:
        if result.error is not None and result.capability in wanted:
            cause, remedy = _cause(context, seen, result.error, result.capability)
            summary = f"Triton {seen.version} does not compile for {_named(context, result.capability)}: {cause}"
            return Finding.failed(summary, _said(result.error), remedy=remedy)
    missing = [capability for capability in wanted if capability not in {item.capability for item in seen.compiled}]
    if missing or strangers or not wanted:
        return _not_tried(context, missing, strangers)
    tried = [f"{item.capability} in {item.seconds:.1f} s" for item in seen.compiled if item.capability in wanted]
    return Finding.passed(f"Triton {seen.version} with {_ptxas(seen)} compiles for {', '.join(tried)}")


def _cause(context: Context, seen: TritonProbe, error: str, capability: str) -> tuple[str, str]:
    """The cause and its remedy; a variable that leads Triton to something unfit is more to the point than the text."""
    cause, remedy = cause_of(context, error, _ptxas(seen))
    if "TRITON_PTXAS_PATH" in seen.variables and "Value 'sm_" in error and float(capability) <= _NEWEST:
        return f"{_ptxas(seen)}, which TRITON_PTXAS_PATH names, knows no {capability}", "unset TRITON_PTXAS_PATH"
    compiler = seen.variables.get("CC")
    if compiler is not None and re.search(rf"(?:FileNotFound|Permission)Error: .*'{re.escape(compiler)}'", error):
        return f"CC is {compiler}, which cannot be run", "unset CC"
    return cause, remedy


def _ptxas(seen: TritonProbe) -> str:
    return f"ptxas {seen.ptxas_version or 'of an unknown release'}"


def _wanted(context: Context, compiled: Sequence[Compilation]) -> tuple[list[str], list[str]]:
    """The capabilities to have been compiled for, and the GPUs whose capability is not known."""
    names = _names(context)
    if not names:
        return [item.capability for item in compiled], []
    capabilities = dict.fromkeys(GPUS[name].capability for name in names if name in GPUS)
    return list(capabilities), [name for name in names if name not in GPUS]


def _names(context: Context) -> tuple[str, ...]:
    try:
        return context.expect[ExpectedGpu].names
    except NotSeen:
        return ()


def _named(context: Context, capability: str) -> str:
    name = next((name for name in _names(context) if name in GPUS and GPUS[name].capability == capability), None)
    return f"{name}, compute capability {capability}" if name else f"compute capability {capability}"


def _not_tried(context: Context, missing: Sequence[str], strangers: Sequence[str]) -> Finding:
    if strangers:
        why = f"the compute capability of {strangers[0]} is not known"
    else:
        why = f"Triton was not asked to compile for {', '.join(missing) or 'any GPU'}"
    wanted = '", "'.join(missing or ["8.0"])
    command = (
        f"""{python_command(context)} -m envcheck observe triton_probe --with '{{"capabilities": ["{wanted}"]}}'"""
    )
    return Finding.unknown(f"{why}, expected a kernel for it", remedy=command)


def _said(error: str) -> Evidence:
    return Evidence(subject="what was said", found=error, expected="nothing")
