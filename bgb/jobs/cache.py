"""Building and scanning a cache."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bgb.config import RunConfig
from bgb.data.builder import BuildRequest, BuildSummary, build_cache
from bgb.data.corpus import discover, with_eval
from bgb.data.manifest import Problem, scan_cache
from bgb.data.signal import SignalSettings
from bgb.data.workers import Workers
from bgb.jobs.progress import BuildLines
from bgb.preflight.contract import splits_of
from bgb.preflight.gate import pass_gate
from envcheck.core import encode
from envcheck.errors import ExitCode

Say = Callable[[str], None]
SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build came to."""

    summary: BuildSummary
    cache: str

    def render(self, *, as_json: bool) -> str:
        if as_json:
            return json.dumps({"schema_version": 1, "cache": self.cache, **_fields(self.summary)}, indent=1) + "\n"
        done = self.summary
        lines = [
            f"[CACHE] {done.built} built, {done.skipped} up to date, {len(done.refused)} refused: "
            f"{done.eeg_hours:.2f} EEG hours in {done.seconds:.1f} s",
            *(f"  refused {refusal.key}: {refusal.field}: {refusal.message}" for refusal in done.refused[:SHOWN]),
        ]
        if len(done.refused) > SHOWN:
            lines.append(f"  and {len(done.refused) - SHOWN} more; all are listed in the manifests")
        return "\n".join([*lines, f"cache: {self.cache}", ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scan found."""

    problems: tuple[Problem, ...]
    cache: str

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.CLOSED if self.problems else ExitCode.OPEN

    def render(self, *, as_json: bool) -> str:
        if as_json:
            content = {"schema_version": 1, "cache": self.cache, "problems": encode(self.problems)}
            return json.dumps(content, indent=1) + "\n"
        if not self.problems:
            return f"[CACHE] {self.cache}: every file is whole and is what its manifest says\n"
        kinds = ", ".join(f"{count} {field}" for field, count in Counter(p.field for p in self.problems).items())
        lines = [f"  {problem.key or 'manifest'}: {problem.field}: {problem.message}" for problem in self.problems]
        return "\n".join([f"[CACHE] {self.cache}: {len(lines)} problems ({kinds})", *lines, ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How to build, as a command line says it."""

    workers: int | None = None
    cluster: str | None = None
    keep_going: bool = False
    verify: bool = False


def build(config: RunConfig, how: How, *, command: str, say: Say) -> Built:
    """Ask the gate, then build what is missing; `GateClosed`, `CacheError` and `DataError` stop it."""
    pass_gate(config, "cache", command)
    corpus = config.paths.corpus
    files = discover(corpus, splits=with_eval(splits_of(config), corpus))
    request = BuildRequest(
        settings=SignalSettings.from_config(config.signal),
        limit_files=config.data.limit_files,
        workers=Workers(processes=how.workers, scheduler=how.cluster),
        keep_going=how.keep_going,
        max_refused_share=config.data.max_refused_share,
        verify=how.verify,
    )
    summary = build_cache(files, config.paths.cache, request, BuildLines(say))
    return Built(summary=summary, cache=str(config.paths.cache))


def scan(config: RunConfig, *, verify: bool, say: Say) -> Scan:
    """Look at every file of the cache; nothing is changed."""
    return Scan(problems=scan_cache(config.paths.cache, verify=verify, progress=say), cache=str(config.paths.cache))


def _fields(summary: BuildSummary) -> dict[str, object]:
    encoded = encode(summary)
    assert isinstance(encoded, dict)
    return encoded
