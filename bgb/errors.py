"""Errors of bgb: we could not work, or must not. Each message says what was found, what was expected, what to do."""

from __future__ import annotations

from pathlib import Path

from envcheck.errors import EnvcheckError, ExitCode


class BgbError(EnvcheckError):
    """Base of every error that bgb raises on purpose."""


class ConfigError(BgbError):
    """A run's configuration is missing, unreadable or not allowed to say what it says."""


class DataError(BgbError):
    """A file of data is missing or not what it should be."""


class MontageError(DataError):
    """The signals of a recording are not the 19 channels, each once."""


class RecordingRefused(DataError):
    """One recording cannot be used. `field` names what is wrong with it in a word, for counting and grouping."""

    def __init__(self, path: Path, field: str, message: str) -> None:
        super().__init__(f"{path}: {field}: {message}")
        self.path = path
        self.field = field
        self.message = message


class LabelError(RecordingRefused):
    """A label file is missing, has a line that does not parse, or contradicts its recording."""


class CacheError(DataError):
    """A cached recording or a manifest is damaged, foreign or made with other settings."""


class CheckpointError(BgbError):
    """A checkpoint is missing, unreadable, of another network, or cannot be used with this run."""


class GateClosed(BgbError):
    """The run has no fresh receipt that matches it."""

    exit_code = ExitCode.CLOSED


class KernelBuildFailed(BgbError):
    """The kernels could not be fetched, compiled, kept or installed; the message has the cause."""

    exit_code = ExitCode.CLOSED


class TrainingStopped(BgbError):
    """Training ended before its plan did, on purpose."""

    exit_code = ExitCode.CLOSED


class TrainingInterrupted(TrainingStopped):
    """Someone, or the machine, asked training to stop; its state is saved."""

    exit_code = ExitCode.INTERRUPTED
