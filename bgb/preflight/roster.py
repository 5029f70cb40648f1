"""The recordings that take part in a run, from facts and contract alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, cast

from bgb.config import SplitConfig
from bgb.data.roster import Member, chosen_keys
from bgb.data.sampling import assign_splits
from bgb.preflight.contract import RunContract
from bgb.preflight.facts.corpus_index import CorpusIndex, CorpusRecording
from bgb.preflight.facts.manifests import Manifests
from bgb.splits import Split
from envcheck.core import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Who takes part, by the split they take part in, and how many of each folder could not."""

    members: dict[Split, tuple[Member, ...]]
    refused: dict[Split, int]


def roster_of(facts: Facts, contract: RunContract) -> Roster:
    """For a cache, what the corpus holds; for training, what the manifests hold, split as the contract says.

    A limit chooses among all recordings, also those that cannot be used: what is wrong with one does not change which
    others take part.
    """
    seen = _of_corpus(facts[CorpusIndex]) if contract.purpose == "cache" else _of_manifests(facts[Manifests])
    members: dict[Split, tuple[Member, ...]] = {}
    refused: dict[Split, int] = {}
    for split, (usable, unusable) in sorted(seen.items()):
        chosen = chosen_keys([*(member.key for member in usable), *unusable], contract.limit_files)
        members[split] = tuple(member for member in usable if member.key in chosen)
        refused[split] = sum(key in chosen for key in unusable)
    everyone = [member for found in members.values() for member in found]
    train, dev = assign_splits(everyone, SplitConfig.model_validate_json(contract.split))
    kept: dict[Split, tuple[Member, ...]] = {"eval": members["eval"]} if "eval" in members else {}
    return Roster(members={"train": train, "dev": dev, **kept}, refused=refused)


Seen: TypeAlias = dict[Split, tuple[list[Member], list[str]]]
"""Members that can be used and keys of recordings that cannot."""


def _of_corpus(index: CorpusIndex) -> Seen:
    seen: Seen = {}
    for recording in index.recordings:
        usable, unusable = seen.setdefault(cast(Split, recording.split), ([], []))
        if recording.refused is not None:
            unusable.append(recording.key)
        else:
            usable.append(_member(recording))
    return seen


def _member(recording: CorpusRecording) -> Member:
    return Member(
        key=recording.key,
        patient=recording.patient,
        samples=recording.samples,
        seizures=recording.seizures,
    )


def _of_manifests(manifests: Manifests) -> Seen:
    return {
        cast(Split, manifest.split): (list(manifest.members), [refusal.key for refusal in manifest.refused])
        for manifest in manifests.splits
    }
