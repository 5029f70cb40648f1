"""Facts from requests: one child process per fact, in parallel, each with its own time limit; some alone afterwards.

Nothing that a fact does can raise here: a crash, a hang, an exit or junk is an `Unseen` with the reason.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from datetime import UTC, datetime

from envcheck.core import Entry, Fact, Facts, Json, Request, Unseen
from envcheck.observe import FRAME, address_of, describe
from envcheck.redact import redact
from envcheck.runners import Completed, Runner, kill_running, run_local

MAX_REASON = 300


def collect(
    requests: Sequence[Request],
    *,
    runner: Runner = run_local,
    workers: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Facts:
    """Observe every request where `runner` runs, the slowest first; an interrupt ends the children before it goes on.

    `workers` is how many look at a time; None: one for each core, at least two, so that a hanging mount never stops
    the others. Facts that must be `alone` come after all others, one by one, the quickest first.
    """
    together = sorted((r for r in requests if not r.fact.alone), key=lambda r: -r.fact.timeout_seconds)
    alone = sorted((r for r in requests if r.fact.alone), key=lambda r: r.fact.timeout_seconds)
    many = workers or max(2, os.cpu_count() or 2)
    return Facts({**_observe(together, runner, many, progress), **_observe(alone, runner, 1, progress)})


def _observe(
    requests: Sequence[Request], runner: Runner, workers: int, progress: Callable[[str], None] | None
) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        pending = {pool.submit(observe_one, request, runner): request.fact.key for request in requests}
        try:
            for done in as_completed(pending):
                entries[pending[done]] = done.result()
                if progress is not None:
                    progress(_announce(pending[done], entries[pending[done]]))
        except BaseException:
            _abandon(list(pending))
            raise
    return entries


def observe_one(request: Request, runner: Runner = run_local) -> Entry:
    """Observe one fact in a process of its own."""
    fact = request.fact
    argv = [sys.executable, "-P", "-m", "envcheck.observe", address_of(fact)]
    parameters = json.dumps(dict(request.parameters)).encode()
    observed_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        completed = runner(argv, parameters, fact.timeout_seconds)
    except OSError as error:
        unseen = Unseen(reason=f"cannot be started: {describe(error)}")
        return Entry(schema=fact.schema, value=unseen, observed_at=observed_at, ttl_seconds=fact.ttl_seconds)
    schema, value = _read(completed, fact)
    return Entry(
        schema=schema,
        value=value,
        seconds=completed.seconds,
        observed_at=observed_at,
        ttl_seconds=fact.ttl_seconds,
    )


def _read(completed: Completed, fact: type[Fact]) -> tuple[int, Json | Unseen]:
    """What the child said. A whole answer counts even when the child crashed or hung while it was leaving."""
    _, mark, framed = completed.stdout.rpartition(FRAME)
    length, _, text = framed.partition(b"\n")
    if not mark or not length.isdigit():
        return fact.schema, Unseen(reason=_why_silent(completed, fact))
    text = text[: int(length)]
    if len(text) < int(length):
        cut = f"the answer was cut short after {len(text)} of {int(length)} bytes"
        return fact.schema, Unseen(reason=f"{cut}: {_why_silent(completed, fact)}")
    try:
        answer = json.loads(text)
    except ValueError as error:
        return fact.schema, Unseen(reason=f"the answer is not JSON: {error}")
    match answer:
        case {"schema": int(schema), "value": value}:
            return schema, value
        case {"unseen": str(reason)}:
            return fact.schema, Unseen(reason=reason)
    return fact.schema, Unseen(reason=f"the answer makes no sense here: {str(answer)[:80]}")


def _why_silent(completed: Completed, fact: type[Fact]) -> str:
    if completed.timed_out:
        what = f"no answer within {fact.timeout_seconds:g} s"
    elif completed.returncode < 0:
        what = f"killed by {_signal_name(-completed.returncode)}"
    else:
        what = f"exited with status {completed.returncode} without an answer"
    last_words = _last_line(completed.stderr)
    return f"{what}; its last words: {last_words}" if last_words else what


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(stderr: bytes) -> str:
    lines = stderr[-4096:].decode(errors="replace").split("\n")
    printable = ("".join(char if char.isprintable() else " " for char in line).strip() for line in reversed(lines))
    return redact(next(filter(None, printable), ""))[:MAX_REASON]


def _announce(key: str, entry: Entry) -> str:
    seen = f"not seen: {entry.value.reason}" if isinstance(entry.value, Unseen) else "seen"
    return f"{key}: {seen} ({entry.seconds:.1f} s)"


def _abandon(pending: Sequence[Future[Entry]]) -> None:
    """Start nothing more and end what runs; a child that was just being started is met in the next round."""
    for future in pending:
        future.cancel()
    while wait(pending, timeout=0.05).not_done:
        kill_running()
