"""What looking costs: start-up, the quick tier, the gate, and facts in parallel against one after another.

    python benchmarks/preflight.py configs/local/smoke.yaml

needs the demo corpus, its cache and open gates, as `make demo` leaves them. Every figure is a median over runs that
take turns with what it is compared with, in one go.
"""

from __future__ import annotations

import platform
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bgb.config import load_config
from bgb.preflight.gate import pass_gate
from bgb.preflight.suites import suite_for
from envcheck.collect import collect
from envcheck.core import Tier

ROUNDS = 7


def process(*words: str) -> Callable[[], None]:
    def run() -> None:
        subprocess.run([sys.executable, *words], check=True, capture_output=True)

    return run


def medians(*runs: Callable[[], object]) -> list[float]:
    """Median wall seconds of each, taken in turns after one round that does not count."""
    seconds: list[list[float]] = [[] for _ in runs]
    for turn in range(ROUNDS + 1):
        for kept, run in zip(seconds, runs, strict=True):
            started = time.perf_counter()
            run()
            if turn:
                kept.append(time.perf_counter() - started)
    return [statistics.median(kept) for kept in seconds]


def main() -> None:
    path = sys.argv[1]
    config = load_config(Path(path))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}")

    help_bgb, help_envcheck, plain = medians(
        process("-m", "bgb", "--help"),
        process("-m", "envcheck", "--help"),
        process("-c", "import typer, rich.console"),
    )
    print(f"bgb --help            {help_bgb:.3f} s, {help_bgb / plain:.2f} x `import typer, rich.console`")
    print(f"envcheck --help       {help_envcheck:.3f} s, {help_envcheck / plain:.2f} x")

    def quick() -> None:
        words = [sys.executable, "-m", "bgb", "preflight", path, "--for", "train", "--tier", "quick"]
        subprocess.run(words, check=False, capture_output=True)

    (quick_seconds,) = medians(quick)
    print(f"quick tier            {quick_seconds:.2f} s, the whole command")

    (gate_seconds,) = medians(lambda: pass_gate(config, "train", "bgb preflight"))
    print(f"gate of bgb train     {gate_seconds:.3f} s")

    requests = suite_for(config, "train", salt=secrets.token_hex(16)).requests_at(Tier.QUICK)
    parallel, serial = medians(lambda: collect(requests), lambda: collect(requests, workers=1))
    print(f"{len(requests)} quick facts        {parallel:.2f} s in parallel, {serial / parallel:.2f} x as long in turn")


if __name__ == "__main__":
    main()
