"""No environment variable changes the run behind its configuration's back.

`BGB_LIMIT_FILES=50` reached a full training from nobody knew where and made 50 recordings of 3,734. A variable of this
project has to be declared, and a setting has to be allowed by the configuration, with its value, and agree with it.
Foreign variables that change results, numerics, speed or logging are judged by the same rule.

How to fix: unset the variable where the report says it comes from, or state it in `environment.allow` of the
configuration. `bgb env` lists every variable that is known.
"""

from __future__ import annotations

from collections.abc import Mapping

from bgb.preflight.contract import RunContract
from bgb.preflight.facts.run_environment import RunEnvironment, SetVariable
from bgb.preflight.facts.variable_origins import VariableOrigins
from bgb.variables import VARIABLES, Kind, foreign, is_own, problem_with
from envcheck.core import Context, Evidence, Finding


def check(context: Context) -> Finding:
    """Hold every variable that is set against the registry, the table of foreign ones, and what the run allows."""
    environment, contract = context.facts[RunEnvironment], context.expect[RunContract]
    found = [
        (variable, problem)
        for variable in environment.variables
        if (problem := _problem(variable, contract)) is not None
    ]
    if not found:
        carried = ", ".join(f"{v.name}={v.shown}" for v in environment.variables) or "none"
        return Finding.passed(f"no variable changes the run (set and allowed: {carried})")
    origins = context.facts[VariableOrigins]
    evidence = [
        Evidence(
            subject=variable.name,
            found=f"{variable.name}={variable.shown}, {origins.of(variable.name)}",
            expected=problem,
        )
        for variable, problem in found
    ]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return Finding.failed(
        f"{evidence[0].found}{more}",
        *evidence,
        remedy="unset " + " ".join(variable.name for variable, _ in found),
    )


def _problem(variable: SetVariable, contract: RunContract) -> str | None:
    """What is expected instead of this variable; None where it may be as it is."""
    if is_own(variable.name):
        return _own_problem(variable, contract)
    row = foreign(variable.name)
    if row is None:
        return None
    allowed = contract.environment_allow.get(variable.name)
    if allowed is None:
        return f"unset, or in environment.allow: it changes {row.changes} ({row.reason})"
    return None if allowed == variable.shown else f"{variable.name}={allowed}, as environment.allow says"


def _own_problem(variable: SetVariable, contract: RunContract) -> str | None:
    problem = problem_with(variable.name, variable.shown)
    if problem is not None:
        return problem
    declared = VARIABLES[variable.name]
    if declared.kind is Kind.ACTION:
        return None
    allowed = contract.environment_allow.get(variable.name)
    if allowed is None:
        return f"unset: environment.allow of {contract.name} does not name it"
    if allowed != variable.shown:
        return f"{variable.name}={allowed}, as environment.allow says"
    stated = _stated(contract)[variable.name]
    if stated != variable.shown:
        return f"{declared.states} to agree, found {stated}"
    return None


def _stated(contract: RunContract) -> Mapping[str, str]:
    """What the configuration says in the words of each setting."""
    return {
        "BGB_LIMIT_FILES": "none" if contract.limit_files is None else str(contract.limit_files),
        "SEIZURE_MAMBA_FORCE_FALLBACK": "1" if contract.kernel == "conv1d" else "0",
    }
