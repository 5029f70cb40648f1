"""What a receipt vouches for, by digest. The gate computes the same digests again before anything starts."""

from __future__ import annotations

import hashlib

from bgb.config import RunConfig
from bgb.errors import ConfigError
from bgb.plan import RunPlan
from bgb.preflight.facts.run_environment import RunEnvironment
from bgb.preflight.facts.source_code import SourceCode
from envcheck.core import Context, Facts, Unseen, digest_json
from envcheck.facts.cuda_driver import CudaDriver
from envcheck.facts.packages import Packages
from envcheck.policy import Policy

DIGESTED = {
    "packages": Packages.key,
    "code": SourceCode.key,
    "environment": RunEnvironment.key,
    "device": CudaDriver.key,
}
"""Subjects that are a fact whole."""


def subjects_of(config: RunConfig, policy: Policy, context: Context) -> dict[str, str]:
    """The subjects by name. One whose fact was not seen is left out, and is then missed at the gate."""
    data = {"cache": "corpus_index", "train": "manifests"}
    plan = context.expect[RunPlan]
    digests = {
        "lockfile": _digest_of_file(config),
        "policy": policy.digest,
        "plan": plan.digest(),
        "data": _digest_of_fact(context.facts, data[plan.purpose]),
        **{name: _digest_of_fact(context.facts, key) for name, key in DIGESTED.items()},
    }
    return {name: digest for name, digest in digests.items() if digest is not None}


def _digest_of_fact(facts: Facts, key: str) -> str | None:
    entry = facts.get(key)
    if entry is None or isinstance(entry.value, Unseen):
        return None
    return digest_json(entry.value)


def _digest_of_file(config: RunConfig) -> str:
    path = config.preflight.lockfile
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: the lockfile cannot be read: {error.strerror}") from error
