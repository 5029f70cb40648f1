"""`python -m bgb.preflight.resolve`: the digest of a plan on stdout, from a request in JSON on stdin.

It exists to be run in other surroundings than one's own: other variables, another folder, another locale.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bgb.config import RunConfig, load_config


def request_for(config: RunConfig, purpose: str) -> str:
    """What `main` reads."""
    return json.dumps(
        {
            "config": str(config.source),
            "corpus": str(config.paths.corpus),
            "cache": str(config.paths.cache),
            "purpose": purpose,
        }
    )


def main() -> None:
    """Resolve in this process, so that whatever it was started with has its effect."""
    from bgb.preflight.run import plan_of
    from bgb.preflight.suites import data_request
    from envcheck.core import Facts

    request = json.load(sys.stdin)
    config = load_config(Path(request["config"])).with_paths(
        corpus=Path(request["corpus"]), cache=Path(request["cache"])
    )
    data = data_request(config, request["purpose"])
    facts = Facts.of(data.fact.observe(**data.parameters))
    sys.stdout.write(plan_of(config, request["purpose"], facts).digest() + "\n")


if __name__ == "__main__":
    main()
