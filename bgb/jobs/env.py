"""`bgb env`: the registry of variables, what is set, what it does and where it came from."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bgb.preflight.facts.run_environment import RunEnvironment, SetVariable
from bgb.preflight.facts.variable_origins import VariableOrigins
from bgb.variables import VARIABLES, foreign, is_own, problem_with
from envcheck.collect import collect
from envcheck.core import Request

Row = Mapping[str, str]


def show_environment(*, as_json: bool, say: Callable[[str], None]) -> str:
    """Every declared variable, and every foreign one that is set and matters. No value of a secret."""
    facts = collect(
        [
            Request(fact=RunEnvironment, parameters={"salt": secrets.token_hex(16)}),
            Request(fact=VariableOrigins, parameters={"directory": str(Path.cwd())}),
        ],
        progress=say,
    )
    found, origins = facts[RunEnvironment].variables, facts[VariableOrigins]
    rows = [*_declared(found, origins), *(_other(v, origins) for v in found if v.name not in VARIABLES)]
    if as_json:
        return json.dumps({"schema_version": 1, "variables": rows}, indent=1) + "\n"
    return _table(rows)


def _declared(found: tuple[SetVariable, ...], origins: VariableOrigins) -> list[Row]:
    present = {variable.name: variable for variable in found}
    return [
        {
            "name": name,
            "value": present[name].shown if name in present else "not set",
            "takes": str(variable.values),
            "effect": _effect(present.get(name)) or f"{variable.kind}: {variable.meaning}",
            "states": variable.states,
            "acts in": ", ".join(variable.acts_in),
            "origin": origins.of(name) if name in present else "",
        }
        for name, variable in VARIABLES.items()
    ]


def _effect(variable: SetVariable | None) -> str | None:
    return problem_with(variable.name, variable.shown) if variable is not None else None


def _other(variable: SetVariable, origins: VariableOrigins) -> Row:
    row = foreign(variable.name)
    if is_own(variable.name) or row is None:
        effect = problem_with(variable.name, variable.shown) or ""
    else:
        effect = f"can change {row.changes}: {row.reason}"
    origin = origins.of(variable.name)
    return {
        "name": variable.name,
        "value": variable.shown,
        "takes": "",
        "effect": effect,
        "states": "",
        "acts in": "",
        "origin": origin,
    }


def _table(rows: list[Row]) -> str:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("name", "value", "takes", "effect", "origin"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(row[heading] for heading in ("name", "value", "takes", "effect", "origin")))
    file = io.StringIO()
    Console(file=file, width=140, highlight=False).print(table)
    return file.getvalue()
