"""What a configuration comes to, without running it: a pure function of the configuration and the recordings.

A plan for the cache is resolved from the corpus; a plan for training from the manifests, so that what the loader
schedules can be held against it. Where things lie is not part of a plan: the same plan can be resolved here for a
corpus that lies elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bgb.config import RunConfig
from bgb.data.roster import Member
from bgb.data.sampling import epoch_size
from bgb.data.signal import SignalSettings
from bgb.data.windows import ClassCounts, WindowSpec, classify, count_classes
from bgb.model.shapes import coerced
from bgb.splits import Split
from envcheck.core import Expectation, digest_json, encode

BYTES_PER_SAMPLE = 2
CHANNEL_COUNT = 19
BLOCK_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """One split of a plan: the recordings that take part and the windows they give."""

    recordings: int
    patients: int
    recordings_with_seizures: int
    refused: int
    hours: float
    seizure_hours: float
    no_seizure: int
    partial_seizure: int
    full_seizure: int

    @property
    def windows(self) -> int:
        return self.no_seizure + self.partial_seizure + self.full_seizure


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan(Expectation):
    """Everything that a run will do, in numbers."""

    key: ClassVar[str] = "run_plan"

    name: str
    purpose: str
    splits: dict[str, SplitPlan]
    roster_digest: str
    """SHA-256 over every recording's key, length and seizures."""
    config_digest: str
    """SHA-256 over the configuration without its paths."""
    settings_digest: str
    limit_files: int | None
    split_policy: str
    device: str
    precision: str
    kernel: str
    events: str
    """How probabilities become events when the run is scored."""
    coerced: tuple[str, ...]
    """A sentence for each value of the model that will not be the configured one."""
    batch_size: int
    epochs: int
    windows_per_epoch: int
    steps_per_epoch: int
    steps: int
    cache_bytes: int
    hours: float | None
    """Estimated; None where the configuration states no measured seconds per step."""
    usd: float | None

    def digest(self) -> str:
        """SHA-256 of the plan."""
        return digest_json(encode(self))


def resolve_plan(
    config: RunConfig,
    purpose: str,
    roster: Mapping[Split, Sequence[Member]],
    refused: Mapping[Split, int],
) -> RunPlan:
    """The plan of `config` for the recordings in `roster`; `refused` counts those that cannot take part."""
    spec = WindowSpec.from_config(config.data, config.signal)
    splits = {str(split): _plan_split(roster[split], refused.get(split, 0), spec) for split in sorted(roster)}
    windows_per_epoch = _windows_per_epoch(config, splits.get("train"))
    steps_per_epoch = math.ceil(windows_per_epoch / config.train.batch_size)
    steps = steps_per_epoch * config.train.epochs
    hours = None if config.train.seconds_per_step is None else steps * config.train.seconds_per_step / 3600
    price = config.budget.usd_per_hour
    return RunPlan(
        name=config.name,
        purpose=purpose,
        splits=splits,
        roster_digest=digest_json({split: encode(tuple(members)) for split, members in roster.items()}),
        config_digest=config_digest(config),
        settings_digest=SignalSettings.from_config(config.signal).digest(),
        limit_files=config.data.limit_files,
        split_policy=config.data.split.policy,
        device=config.train.device,
        precision=config.train.precision,
        kernel=config.model.mamba.kernel,
        events=config.evaluate.describe(),
        coerced=coerced(config.model.mamba)[1],
        batch_size=config.train.batch_size,
        epochs=config.train.epochs,
        windows_per_epoch=windows_per_epoch,
        steps_per_epoch=steps_per_epoch,
        steps=steps,
        cache_bytes=sum(_cache_bytes(member, config.signal.sample_rate_hz) for m in roster.values() for member in m),
        hours=hours,
        usd=None if hours is None or price is None else hours * price,
    )


def config_digest(config: RunConfig) -> str:
    """SHA-256 of what a configuration says, without where its files lie."""
    return digest_json(config.model_dump(mode="json", exclude={"paths": True, "preflight": True}))


def _plan_split(members: Sequence[Member], refused: int, spec: WindowSpec) -> SplitPlan:
    counts = [count_classes(classify(member.seizures, member.samples, spec)) for member in members]
    rate = spec.sample_rate_hz
    return SplitPlan(
        recordings=len(members),
        patients=len({member.patient for member in members}),
        recordings_with_seizures=sum(bool(member.seizures) for member in members),
        refused=refused,
        hours=round(sum(member.samples for member in members) / rate / 3600, 6),
        seizure_hours=round(sum(s.seconds for member in members for s in member.seizures) / 3600, 6),
        no_seizure=sum(count.no_seizure for count in counts),
        partial_seizure=sum(count.partial_seizure for count in counts),
        full_seizure=sum(count.full_seizure for count in counts),
    )


def _windows_per_epoch(config: RunConfig, train: SplitPlan | None) -> int:
    if train is None:
        return 0
    counts = ClassCounts(
        no_seizure=train.no_seizure,
        partial_seizure=train.partial_seizure,
        full_seizure=train.full_seizure,
    )
    return epoch_size(counts, config.data.sampling)


def _cache_bytes(member: Member, rate: int) -> int:
    block = BLOCK_SECONDS * rate
    return math.ceil(member.samples / block) * block * CHANNEL_COUNT * BYTES_PER_SAMPLE
