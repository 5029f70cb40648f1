"""Comparing the facts of several places."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envcheck.core import Facts, SchemaMismatch, encode
from envcheck.errors import ExitCode, FileUnusable
from envcheck.parity import Parity, compare
from envcheck.receipt import FACTS
from envcheck.storage import read_json

MAY_DIFFER: Mapping[str, str] = {
    "machine.available_memory_bytes": "changes from moment to moment",
    "machine.disks": "places have disks of their own",
    "variable_origins": "processes have numbers of their own",
    "run_environment.salt": "made anew for each look",
}
"""Fields that may differ between two places that are the same, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between places."""

    parity: Parity

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.OPEN if self.parity.equal else ExitCode.CLOSED

    def render(self, *, as_json: bool) -> str:
        if as_json:
            content = {"schema_version": 1, "equal": self.parity.equal, "parity": encode(self.parity)}
            return json.dumps(content, indent=1) + "\n"
        lines = [
            f"{'may differ' if row.allowed else 'DIFFERS':10}  {row.fact}.{row.field}: "
            + ", ".join(f"{name}: {value}" for name, value in row.values.items())
            for row in self.parity.rows
        ]
        verdict = "equal" if self.parity.equal else "not equal"
        return "\n".join([*lines, f"{verdict}: {self.parity.same} fields are the same", ""])


def compare_places(paths: Sequence[Path]) -> Comparison:
    """Compare facts files, or the facts beside receipts; each place is named by its path."""
    return Comparison(parity=compare({str(path): _read(path) for path in paths}, may_differ=MAY_DIFFER))


def _read(path: Path) -> Facts:
    try:
        return Facts.from_json(read_json(path / FACTS if path.is_dir() else path))
    except SchemaMismatch as error:
        raise FileUnusable(f"{path}: not a file of facts: {error}; make one with envcheck observe --json") from error
