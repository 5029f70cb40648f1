"""What there is, for people: facts that were seen, and the facts, checks and suites that can be asked for."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping

from envcheck.core import Check, Entry, Fact, Facts, Json, Suite, Unseen
from envcheck.explain import explain
from envcheck.parity import leaves

MAX_FIELDS = 12
MAX_VALUE = 100


def facts_text(facts: Facts) -> str:
    """Each fact with how long looking took, and its first fields or why it was not seen."""
    return "\n".join(_fact_text(key, facts[key]) for key in sorted(facts))


def catalogue(
    facts: Mapping[str, type[Fact]], checks: Mapping[str, Check], suites: Mapping[str, Suite]
) -> dict[str, dict[str, Json]]:
    """One line on everything that is registered, by kind and name."""
    return {
        "facts": {key: f"{_first_line(fact)} [{fact.tier}]" for key, fact in facts.items()},
        "checks": {name: explain(name, check).title for name, check in checks.items()},
        "suites": {name: ", ".join(suite.checks) for name, suite in suites.items()},
    }


def catalogue_text(kinds: Mapping[str, Mapping[str, Json]]) -> str:
    """A catalogue in columns."""
    width = max((len(name) for entries in kinds.values() for name in entries), default=0)
    blocks = (
        "\n".join([kind, *(f"  {name:{width}}  {about}" for name, about in entries.items())])
        for kind, entries in kinds.items()
    )
    return "\n\n".join(blocks) + "\n"


def _fact_text(key: str, entry: Entry) -> str:
    heading = f"{key}  ({entry.seconds:.2f} s)"
    if isinstance(entry.value, Unseen):
        return f"{heading}\n  not seen: {entry.value.reason}\n"
    fields = [f"  {path}: {_clip(value)}" for path, value in leaves(entry.value)]
    more = [f"  and {len(fields) - MAX_FIELDS} more; --json shows all"] if len(fields) > MAX_FIELDS else []
    return "\n".join([heading, *fields[:MAX_FIELDS], *more]) + "\n"


def _clip(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 3]}..."


def _first_line(fact: type[Fact]) -> str:
    return (inspect.getdoc(fact) or "").partition("\n")[0]
