"""What a run's configuration promises, in the form that checks read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bgb.config import ExpectConfig, RunConfig
from bgb.data.signal import SignalSettings
from bgb.model.shapes import STRIDE
from bgb.splits import Split
from envcheck.core import Expectation


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One number that a split of the plan must have; `tolerance` is the share by which it may miss."""

    split: str
    what: str
    """In words, as `recordings with seizures`."""
    field: str
    """Of `SplitPlan`."""
    number: float
    tolerance: float

    def is_kept_by(self, found: float) -> bool:
        """Whether a number is near enough."""
        return abs(found - self.number) <= self.tolerance * self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContract(Expectation):
    """The configuration's expectations of data, device and cost. Empty or None: not stated, not checked."""

    key: ClassVar[str] = "run_contract"

    name: str
    purpose: str
    splits: tuple[str, ...]
    promises: tuple[Promise, ...]
    """What `expect` says the run must turn out to be."""
    limit_files: int | None
    max_refused_share: float
    split: str
    """`data.split` as JSON."""
    model: str
    """`model` as JSON."""
    settings_digest: str
    kernel: str
    batch_size: int
    window_steps: int
    """Steps of the Mamba layers for one window."""
    environment_allow: dict[str, str]
    max_hours: float | None
    max_usd: float | None
    usd_per_hour: float | None
    seconds_per_step: float | None
    """As the configuration states it."""

    @classmethod
    def from_config(cls, config: RunConfig, purpose: str) -> RunContract:
        return cls(
            name=config.name,
            purpose=purpose,
            splits=splits_of(config),
            promises=promises_of(config.expect),
            limit_files=config.data.limit_files,
            max_refused_share=config.data.max_refused_share,
            split=config.data.split.model_dump_json(),
            model=config.model.model_dump_json(),
            settings_digest=SignalSettings.from_config(config.signal).digest(),
            kernel=config.model.mamba.kernel,
            batch_size=config.train.batch_size,
            window_steps=steps_of_window(config),
            environment_allow=dict(config.environment.allow),
            max_hours=config.budget.max_hours,
            max_usd=config.budget.max_usd,
            usd_per_hour=config.budget.usd_per_hour,
            seconds_per_step=config.train.seconds_per_step,
        )


def steps_of_window(config: RunConfig) -> int:
    """Steps that the encoder leaves of one window."""
    samples = round(config.data.window_seconds * config.signal.sample_rate_hz)
    steps: int = math.ceil(samples / STRIDE)
    return steps


def splits_of(config: RunConfig) -> tuple[Split, ...]:
    """The folders of the corpus that a run cannot do without; training never looks at eval."""
    return ("train", "dev") if config.data.split.policy == "official" else ("train",)


def promises_of(expect: ExpectConfig) -> tuple[Promise, ...]:
    """The rows of `expect`, split by split."""
    counted: tuple[tuple[str, str, Mapping[Split, float], float], ...] = (
        ("recordings", "recordings", expect.files, 0.0),
        ("patients", "patients", expect.patients, 0.0),
        ("recordings with seizures", "recordings_with_seizures", expect.files_with_seizures, 0.0),
        ("hours", "hours", expect.hours, expect.tolerance),
    )
    rows = [
        Promise(split=split, what=what, field=field, number=float(number), tolerance=tolerance)
        for what, field, numbers, tolerance in counted
        for split, number in numbers.items()
    ]
    windows = [
        Promise(
            split=split,
            what=f"{kind.replace('_', ' ')} windows",
            field=kind,
            number=float(number),
            tolerance=expect.tolerance,
        )
        for split, kinds in expect.windows.items()
        for kind, number in kinds.items()
    ]
    return (*rows, *windows)
