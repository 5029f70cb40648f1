"""The child process that looks: `python -P -m envcheck.observe MODULE:CLASS` with JSON parameters on stdin.

The answer is the only thing that reaches the original stdout. It is framed with its length, so that noise before it
(start-up files print) and a result cut short by a crash are both recognised. Needs the standard library alone, until
the fact's module is imported.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from envcheck.core import Fact, Json, decode, encode
from envcheck.redact import redact

FRAME = b"\n\x1eenvcheck-result "
"""What precedes an answer: this mark, its length in bytes, a newline."""
MAX_BYTES = 32 * 2**20
ORPHAN_SECONDS = 5
"""How much longer than its limit an observer lives when nobody is left to end it."""


def main(argv: list[str]) -> int:
    """Answer for one fact; anything that goes wrong while looking is an answer too."""
    answer = os.dup(1)
    os.dup2(2, 1)
    frame = _frame(_look(argv[1], sys.stdin.buffer.read()))
    with os.fdopen(answer, "wb") as stdout:
        stdout.write(frame)
    return 0


def _look(address: str, parameters: bytes) -> Mapping[str, Json]:
    try:
        fact = find_fact(address)
        signal.alarm(math.ceil(fact.timeout_seconds) + ORPHAN_SECONDS)
        seen = fact.observe(**json.loads(parameters or b"{}"))
        if type(seen) is not fact:
            raise TypeError(f"observe() of {fact.__name__} returned {type(seen).__name__}")
        value = json.loads(json.dumps(encode(seen), allow_nan=False))
        decode(fact, value)
    # Whatever a fact raises says something about the place it looked at, so it becomes the reason; nothing is hidden.
    except Exception as error:
        return {"unseen": describe(error)}
    return {"schema": fact.schema, "value": value}


def find_fact(address: str) -> type[Fact]:
    """The fact class at `MODULE:CLASS`."""
    module, _, name = address.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, Fact)):
        raise TypeError(f"{address} is not a fact")
    return found


def address_of(fact: type[Fact]) -> str:
    """Where `find_fact` finds this class."""
    return f"{fact.__module__}:{fact.__qualname__}"


def describe(error: BaseException) -> str:
    """An exception in one redacted line."""
    message = " ".join(redact(str(error)).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _frame(result: Mapping[str, Json]) -> bytes:
    text = json.dumps(result).encode()
    if len(text) > MAX_BYTES:
        limit = f"{len(text)} bytes were observed and a fact may have {MAX_BYTES}; it must summarise"
        text = json.dumps({"unseen": limit}).encode()
    return FRAME + str(len(text)).encode() + b"\n" + text + b"\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv))
