"""The manifest describes the cache and the corpus as they are now.

A manifest written while the cache held a subset outlived the leaked variable that made it: later full runs used 50
recordings. Others were empty, or older than a fix to the labels, and training went on.

How to fix: build what is missing and rebuild the manifest with `bgb build-cache`; nothing is deleted by a check.
"""

from __future__ import annotations

from bgb.data.cache import CODE_VERSION
from bgb.preflight.contract import RunContract
from bgb.preflight.facts.manifests import Manifests, SplitManifest
from envcheck.core import Context, Evidence, Finding

SHOWN = 10


def check(context: Context) -> Finding:
    """Hold each manifest against this run's settings and limit, the cached files and the corpus."""
    contract, manifests = context.expect[RunContract], context.facts[Manifests]
    evidence = [row for manifest in manifests.splits for row in _compare(manifest, contract)]
    if evidence:
        more = [Evidence(subject="and more", found=f"{len(evidence) - SHOWN} differences")] * (len(evidence) > SHOWN)
        return Finding.failed(
            f"the manifest is not that of this run: {evidence[0].subject}: {evidence[0].found}",
            *evidence[:SHOWN],
            *more,
            remedy="bgb build-cache CONFIG",
        )
    if manifests.corpus_error is not None:
        return Finding.unknown(
            "the manifests agree with the cache, but the corpus could not be listed",
            Evidence(
                subject="paths.corpus", found=manifests.corpus_error, expected="the corpus the cache was built from"
            ),
            remedy="make paths.corpus reachable from here; reading it needs no rights to write",
        )
    sizes = ", ".join(f"{len(manifest.members)} {manifest.split}" for manifest in manifests.splits)
    return Finding.passed(f"cache, manifest and corpus hold the same recordings ({sizes})")


def _compare(manifest: SplitManifest, contract: RunContract) -> list[Evidence]:
    if manifest.error is not None:
        return [Evidence(subject=manifest.split, found=manifest.error, expected="a manifest")]
    rows = [
        ("settings", manifest.settings_digest[:12], contract.settings_digest[:12]),
        ("code version", str(manifest.code_version), str(CODE_VERSION)),
    ]
    if manifest.limit_files is not None:
        rows.append(("limit", str(manifest.limit_files), str(contract.limit_files or "none")))
    differing = [
        Evidence(subject=f"{manifest.split}: {what}", found=found, expected=expected)
        for what, found, expected in rows
        if found != expected
    ]
    return differing + [
        Evidence(subject=manifest.split, found=problem, expected="as the manifest says")
        for problem in manifest.problems
    ]
