"""A small run seen from inside: facts and expectations as a preflight would gather them, to be bent by each test."""

from __future__ import annotations

from typing import Any

from bgb.data.cache import CODE_VERSION
from bgb.data.roster import Member
from bgb.plan import resolve_plan
from bgb.preflight.contract import RunContract
from bgb.preflight.facts.corpus_index import CorpusIndex, CorpusRecording
from bgb.preflight.facts.manifests import Manifests, SplitManifest
from bgb.preflight.facts.plan_stability import PlanStability
from bgb.preflight.facts.run_environment import RunEnvironment, SetVariable
from bgb.preflight.facts.variable_origins import Origin, VariableOrigins
from bgb.preflight.roster import roster_of
from bgb.splits import Split
from bgb.variables import shown_value
from envcheck.core import Context, Expectations, Facts, Record
from tests.bgb.test_plan import config_with, member

TRAIN = (member(1, seizures=((30.0, 50.0),)), member(2), member(3, seizures=((0.0, 120.0),)))
DEV = (member(4, seizures=((10.0, 40.0),)), member(5))
EXPECT = {"files": {"train": 3, "dev": 2}, "patients": {"train": 3, "dev": 2}, "files_with_seizures": {"train": 2}}


def manifest(split: Split, members: tuple[Member, ...], **changes: Any) -> SplitManifest:
    contract = RunContract.from_config(config_with(), "train")
    stated: dict[str, Any] = {
        "split": split,
        "error": None,
        "sha256": "0" * 64,
        "settings_digest": contract.settings_digest,
        "code_version": CODE_VERSION,
        "limit_files": None,
        "members": tuple(in_split(split, members)),
        "refused": (),
        "problems": (),
    }
    return SplitManifest(**{**stated, **changes})


def in_split(split: Split, members: tuple[Member, ...]) -> tuple[Member, ...]:
    return tuple(
        Member(
            key=item.key.replace("train/", f"{split}/", 1),
            patient=item.patient,
            samples=item.samples,
            seizures=item.seizures,
        )
        for item in members
    )


def manifests(*splits: SplitManifest, corpus_error: str | None = None) -> Manifests:
    return Manifests(corpus_error=corpus_error, splits=splits or (manifest("train", TRAIN), manifest("dev", DEV)))


def corpus(*, refused: dict[int, str] | None = None, error: str | None = None) -> CorpusIndex:
    everyone = [("train", item) for item in TRAIN] + [("dev", item) for item in DEV]
    return CorpusIndex(
        error=error,
        recordings=tuple(
            CorpusRecording(
                key=in_split(split, (item,))[0].key,  # type: ignore[arg-type]
                split=split,
                patient=item.patient,
                samples=item.samples,
                sample_rate_hz=256.0,
                seizures=item.seizures,
                repaired=(),
                missing=(),
                refused=(refused or {}).get(number),
            )
            for number, (split, item) in enumerate(everyone)
        ),
    )


def context(fact: Manifests | CorpusIndex, *others: Record, **changes: Any) -> Context:
    """What a check sees of a run with these facts; `changes` are sections of the configuration."""
    purpose = "cache" if isinstance(fact, CorpusIndex) else "train"
    config = config_with(**{"expect": EXPECT, **changes})
    contract = RunContract.from_config(config, purpose)
    facts = Facts.of(fact, *others)
    roster = roster_of(facts, contract)
    plan = resolve_plan(config, purpose, roster.members, roster.refused)
    return Context(facts=facts, expect=Expectations.of(contract, plan))


def environment(**variables: str) -> RunEnvironment:
    seen = tuple(
        SetVariable(name=name, shown=shown_value(name, value), digest="0" * 64) for name, value in variables.items()
    )
    return RunEnvironment(salt="salt", variables=seen)


def origins(*names: str) -> VariableOrigins:
    sources = ("inherited from the shell (process 4711 `bash`)",)
    return VariableOrigins(origins=tuple(Origin(name=name, sources=sources) for name in names))


def stability(*, clean: str = "a" * 64, poisoned: str = "a" * 64, culprits: tuple[str, ...] = ()) -> PlanStability:
    return PlanStability(
        digests={"clean": clean, "present": clean, "poisoned": poisoned}, culprits=culprits, poisons=50
    )
