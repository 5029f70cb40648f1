"""Comparing the facts of several places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from envcheck.core import Facts, SchemaMismatch
from envcheck.errors import FileUnusable
from envcheck.parity import MAY_DIFFER, Parity, compare
from envcheck.receipt import FACTS
from envcheck.storage import read_json

OWN_MAY_DIFFER: Mapping[str, str] = {
    "variable_origins": "processes have numbers of their own",
    "run_environment.salt": "made anew for each look",
    "run_environment.variables[].digest": "salted anew for each look",
}
"""Fields of this project's own facts that may differ between two places that are the same."""


def compare_places(paths: Sequence[Path]) -> Parity:
    """Compare facts files, or the facts beside receipts; each place is named by its path."""
    return compare({str(path): _read(path) for path in paths}, may_differ={**MAY_DIFFER, **OWN_MAY_DIFFER})


def _read(path: Path) -> Facts:
    try:
        return Facts.from_json(read_json(path / FACTS if path.is_dir() else path))
    except SchemaMismatch as error:
        raise FileUnusable(f"{path}: not a file of facts: {error}; make one with envcheck observe --json") from error
