"""A run is a file: everything that changes it is here, and an unknown key is refused.

Paths in a configuration are relative to the file that names them, so the directory a command is started from changes
nothing.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, PrivateAttr

from bgb.errors import ConfigError
from bgb.splits import Split

WindowKind = Literal["no_seizure", "partial_seizure", "full_seizure"]
Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A frozen part of a configuration that knows all of its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class PathsConfig(Section):
    """Where things are. Relative paths are relative to the configuration file."""

    corpus: Path
    """TUSZ v2 root: the directory that holds `train/`, `dev/`, `eval/`, or `edf/` with these in it."""
    cache: Path
    runs: Path
    """Run directories; receipts lie in `preflight/` below it."""


class SplitConfig(Section):
    """Which recordings train and which validate."""

    policy: Literal["official", "holdout", "holdout_by_file"] = "official"
    share: Share = 0.2
    """Share of train that `holdout` keeps for validation."""
    seed: NonNegativeInt = 0


class SignalConfig(Section):
    """How a recording becomes a signal; changing any of it needs another cache."""

    sample_rate_hz: PositiveInt = 256
    bandpass_hz: tuple[PositiveFloat, PositiveFloat] = (0.5, 120.0)
    notch_hz: PositiveFloat = 60.0
    clip_sigma: PositiveFloat = 10.0


class SamplingConfig(Section):
    """A balanced epoch: all partial windows, and this many others for each of them."""

    full_per_partial: PositiveFloat = 0.3
    none_per_partial: PositiveFloat = 2.5


class DataConfig(Section):
    """Which recordings, cut how."""

    split: SplitConfig = SplitConfig()
    limit_files: PositiveInt | None = None
    """Use only this many recordings of each split, a fixed choice. A run with a limit is not a full run."""
    max_refused_share: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Share of a corpus's recordings that may turn out to be unusable."""
    window_seconds: PositiveFloat = 60.0
    stride_seconds: PositiveFloat = 10.0
    sampling: SamplingConfig = SamplingConfig()


class EncoderConfig(Section):
    """Temporal convolutions from 256 Hz down by 16."""

    channels: tuple[PositiveInt, ...] = (64, 128, 256, 512)
    kernel_size: PositiveInt = 5
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1


class MambaConfig(Section):
    """Bidirectional Mamba-2 layers, named as in mamba_ssm.Mamba2."""

    kernel: Literal["cuda", "reference", "conv1d"]
    layers: PositiveInt = 6
    d_model: PositiveInt = 512
    d_state: PositiveInt = 16
    d_conv: PositiveInt = 4
    expand: PositiveInt = 2
    headdim: PositiveInt = 64
    ngroups: PositiveInt = 1
    chunk_size: PositiveInt = 256
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1


class ModelConfig(Section):
    """The network."""

    encoder: EncoderConfig = EncoderConfig()
    mamba: MambaConfig


class TrainConfig(Section):
    """The optimisation."""

    device: Literal["cpu", "cuda"]
    precision: Literal["fp32", "bf16", "fp16"]
    batch_size: PositiveInt
    epochs: PositiveInt
    learning_rate: PositiveFloat = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    warmup_share: Annotated[float, Field(ge=0, lt=1)] = 0.05
    gradient_clip: PositiveFloat = 1.0
    accumulate: PositiveInt = 1
    focal_gamma: Annotated[float, Field(ge=0)] = 0.0
    threads: PositiveInt | None = None
    """CPU threads for torch; None leaves torch's choice."""
    early_stop_epochs: PositiveInt | None = None
    seconds_per_step: PositiveFloat | None = None
    """Measured on the device of this configuration; the estimate of time and cost needs it."""


class EvaluateConfig(Section):
    """From probabilities to events."""

    split: Split = "dev"
    on_threshold: Share = 0.6
    off_threshold: Share = 0.4
    """Hysteresis: an event starts above `on_threshold` and ends below `off_threshold`."""
    opening_samples: PositiveInt = 11
    closing_samples: PositiveInt = 31
    """Morphology, at `signal.sample_rate_hz`: opening drops blips shorter than its kernel, then closing fills gaps
    shorter than its own. Both kernels are odd; 1 changes nothing."""
    min_event_seconds: PositiveFloat = 3.0
    merge_gap_seconds: Annotated[float, Field(ge=0)] = 5.0

    @pydantic.model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.off_threshold > self.on_threshold:
            raise ValueError(f"off_threshold {self.off_threshold} is above on_threshold {self.on_threshold}")
        return self

    @pydantic.field_validator("opening_samples", "closing_samples")
    @classmethod
    def _odd(cls, samples: int) -> int:
        if samples % 2 == 0:
            raise ValueError(f"found {samples}, expected an odd number: a kernel has a sample in its middle")
        return samples

    def describe(self) -> str:
        """The rules in a line, in the order in which they are applied."""
        return (
            f"on {self.on_threshold:g}, off {self.off_threshold:g}; opening {self.opening_samples}, "
            f"closing {self.closing_samples} samples; at least {self.min_event_seconds:g} s; "
            f"gaps under {self.merge_gap_seconds:g} s closed"
        )


class ExpectConfig(Section):
    """What the run must turn out to be; what is not stated is not checked."""

    files: dict[Split, PositiveInt] = {}
    patients: dict[Split, PositiveInt] = {}
    files_with_seizures: dict[Split, PositiveInt] = {}
    hours: dict[Split, PositiveFloat] = {}
    windows: dict[Split, dict[WindowKind, NonNegativeInt]] = {}
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share by which hours and windows may miss what is stated; counts of files and patients may not miss at all."""


class BudgetConfig(Section):
    """What the run may take."""

    max_hours: PositiveFloat | None = None
    max_usd: PositiveFloat | None = None
    usd_per_hour: Annotated[float, Field(ge=0)] | None = None
    """Price of the device this configuration rents; 0 for one's own."""


class EnvironmentConfig(Section):
    """Environment variables that this run may carry, with the value each must have."""

    allow: dict[str, str] = {}


class PreflightConfig(Section):
    """What the run is judged by."""

    policy: Path
    lockfile: Path = Path("../../constraints.txt")


class WandbConfig(Section):
    """Weights & Biases."""

    enabled: bool = False
    mode: Literal["online", "offline"] = "offline"
    project: str = "bgb"
    entity: str | None = None


class TrackConfig(Section):
    """Where metrics go besides TensorBoard."""

    wandb: WandbConfig = WandbConfig()


class RunConfig(Section):
    """One run, whole."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    seed: NonNegativeInt = 0
    paths: PathsConfig
    data: DataConfig = DataConfig()
    signal: SignalConfig = SignalConfig()
    model: ModelConfig
    train: TrainConfig
    evaluate: EvaluateConfig = EvaluateConfig()
    expect: ExpectConfig = ExpectConfig()
    budget: BudgetConfig = BudgetConfig()
    environment: EnvironmentConfig = EnvironmentConfig()
    preflight: PreflightConfig
    track: TrackConfig = TrackConfig()
    _source: Path = PrivateAttr(default=Path())

    @property
    def source(self) -> Path:
        """The file it was read from, absolute."""
        return self._source

    def with_paths(self, *, corpus: Path | None, cache: Path | None) -> Self:
        """The same run on another corpus or cache; relative paths are relative to the working directory."""
        given = {"corpus": corpus, "cache": cache}
        paths = {name: path.resolve() for name, path in given.items() if path is not None}
        return self.model_copy(update={"paths": self.paths.model_copy(update=paths)})


def load_config(path: Path) -> RunConfig:
    """The configuration in a YAML file, with its paths made absolute; `ConfigError` names each wrong key."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error}") from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a mapping of sections, found {type(content).__name__}")
    return parse_config(content, path)


def parse_config(content: dict[str, Any], path: Path) -> RunConfig:
    """A configuration from already parsed YAML; `path` is what messages name and relative paths start from."""
    try:
        config = RunConfig.model_validate(content)
    except pydantic.ValidationError as error:
        raise ConfigError("\n".join(_explain(item, path) for item in error.errors())) from error
    config = _with_absolute_paths(config, path.resolve().parent)
    config._source = path.resolve()
    return config


def _with_absolute_paths(config: RunConfig, start: Path) -> RunConfig:
    paths = {name: (start / value).resolve() for name, value in config.paths}
    preflight = {name: (start / value).resolve() for name, value in config.preflight}
    return config.model_copy(
        update={"paths": PathsConfig(**paths), "preflight": PreflightConfig(**preflight)},
    )


def _explain(item: Any, path: Path) -> str:
    """One pydantic error as one line; an unknown key is answered with the nearest known one."""
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        return f"{path}: {place}: {item['msg']}, found {item.get('input')!r}"
    *section, key = (str(part) for part in item["loc"])
    known = _keys_of(section)
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    hint = f"did you mean '{nearest[0]}'?" if nearest else f"known keys: {', '.join(known)}"
    return f"{path}: unknown key '{place}'; {hint}"


def _keys_of(section: list[str]) -> list[str]:
    model: type[BaseModel] = RunConfig
    for part in section:
        annotation = model.model_fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
