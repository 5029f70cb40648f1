"""How long a training step of this run takes on the device that is here, measured before the run is paid for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from bgb.config import ModelConfig, TrainConfig
from envcheck.core import Fact, Tier
from envcheck.redact import redact


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpeed(Fact):
    """Medians of some steps on random windows; loading data is not in them."""

    key: ClassVar[str] = "step_speed"
    tier: ClassVar[Tier] = Tier.DEEP
    timeout_seconds: ClassVar[float] = 600.0
    alone: ClassVar[bool] = True

    device: str | None
    """The GPU by its name, or `cpu`; None: the device of the configuration is not here."""
    precision: str
    batch_size: int
    seconds: float | None = None
    """A step as configured."""
    other_precision: str | None = None
    """On a GPU, the other one of float32 and mixed."""
    other_seconds: float | None = None
    peak_memory_bytes: int | None = None
    problem: str | None = None

    @classmethod
    def observe(cls, *, model: str, train: str, samples: int) -> Self:
        """Build the network and take steps; `model` and `train` are sections of a configuration as JSON."""
        network, training = ModelConfig.model_validate_json(model), TrainConfig.model_validate_json(train)
        from bgb.train.step_time import measure_step, name_of_device

        precision, size = training.precision, training.batch_size
        device = name_of_device(training.device)
        if device is None:
            problem = "torch sees no CUDA device"
            return cls(device=None, precision=precision, batch_size=size, problem=problem)
        try:
            measured = measure_step(network, training, samples, precision)
            other = None
            if training.device == "cuda":
                other = "bf16" if precision == "fp32" else "fp32"
            # the other precision may need more memory than there is; that says nothing against the run
            beside = _seconds_or_none(network, training, samples, other)
        except (RuntimeError, ImportError, ValueError) as error:
            problem = redact(f"{type(error).__name__}: {error}")[:500]
            return cls(device=device, precision=precision, batch_size=size, problem=problem)
        return cls(
            device=device,
            precision=precision,
            batch_size=size,
            seconds=measured.seconds,
            other_precision=other,
            other_seconds=beside,
            peak_memory_bytes=measured.peak_memory_bytes,
        )


def _seconds_or_none(model: ModelConfig, train: TrainConfig, samples: int, precision: str | None) -> float | None:
    from bgb.train.step_time import measure_step

    if precision is None:
        return None
    try:
        return measure_step(model, train, samples, precision).seconds
    except RuntimeError:
        return None
