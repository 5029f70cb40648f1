"""Slow looks are kept: while everything that decides what a fact would see is unchanged, the earlier look counts again.

Kept by fingerprint in a folder: the digest of the fact's address, parameters, code, and of the facts that fix it. One
that was not seen is never kept, and a look older than its time to live is not used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from envcheck.collect import collect
from envcheck.core import Entry, Facts, Json, Request, SchemaMismatch, Unseen, digest_json
from envcheck.errors import FileUnusable
from envcheck.observe import address_of
from envcheck.runners import Runner, run_local
from envcheck.storage import read_json, write_json

Say = Callable[[str], None]


class Memory:
    """Looks in a folder, one file each. Reading it never fails: what cannot be used is looked at again."""

    def __init__(self, folder: Path, *, now: datetime | None = None) -> None:
        self._folder = folder
        self._now = now or datetime.now(UTC)
        self.recalled: list[str] = []
        """A sentence for each look that counted again, with its age."""

    def recall(self, request: Request, facts: Facts) -> Entry | None:
        """The earlier look at what these facts fix; None where there is none to rely on."""
        key = fingerprint(request, facts)
        try:
            entry = Entry.from_json(read_json(self._path(key))) if key else None
        except (FileUnusable, SchemaMismatch):
            return None
        if entry is None or isinstance(entry.value, Unseen):
            return None
        age = self._age_seconds(entry)
        limit = request.fact.ttl_seconds
        if age is None or age < 0 or (limit is not None and age > limit):
            return None
        fixed_by = ", ".join(fact.key for fact in request.fixed_by)
        self.recalled.append(f"{request.fact.key}: looked at {_words(age)} ago; unchanged since: {fixed_by}")
        return entry

    def keep(self, request: Request, facts: Facts) -> None:
        """Keep what `facts` hold of this request, if it was seen."""
        key, entry = fingerprint(request, facts), facts.get(request.fact.key)
        if key is not None and entry is not None and not isinstance(entry.value, Unseen):
            write_json(self._path(key), entry.to_json())

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"

    def _age_seconds(self, entry: Entry) -> float | None:
        try:
            return (self._now - datetime.fromisoformat(entry.observed_at)).total_seconds()
        except (ValueError, TypeError):
            return None


def collect_remembering(
    requests: Sequence[Request], memory: Memory, *, runner: Runner = run_local, progress: Say | None = None
) -> Facts:
    """As `collect`, but for what `memory` holds: first what fixes the slow looks, then all that is still to be seen."""
    fixing = {fact for request in requests for fact in request.fixed_by}
    facts = collect([request for request in requests if request.fact in fixing], runner=runner, progress=progress)
    slow = [request for request in requests if request.fixed_by]
    recalled = {request.fact.key: memory.recall(request, facts) for request in slow}
    known = {key: entry for key, entry in recalled.items() if entry is not None}
    if progress is not None:
        for sentence in memory.recalled:
            progress(sentence)
    missing = [r for r in requests if r.fact not in fixing and r.fact.key not in known]
    facts = Facts({**facts, **known, **collect(missing, runner=runner, progress=progress)})
    for request in missing:
        memory.keep(request, facts)
    return facts


def fingerprint(request: Request, facts: Facts) -> str | None:
    """What decides what this fact would see, as one digest; None where nothing does, or a part of it was not seen."""
    if not request.fixed_by:
        return None
    fixed_by: dict[str, Json] = {}
    for fact in request.fixed_by:
        entry = facts.get(fact.key)
        if entry is None or isinstance(entry.value, Unseen):
            return None
        fixed_by[fact.key] = entry.seen()
    return digest_json(
        {
            "fact": address_of(request.fact),
            "schema": request.fact.schema,
            "parameters": dict(request.parameters),
            "code": _code_digest(),
            "fixed_by": fixed_by,
        }
    )


def _code_digest() -> str:
    """SHA-256 over envcheck's own source: another version may look differently."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _words(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
