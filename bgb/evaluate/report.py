"""What an evaluation found, as values, as tables and as a page to read."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from bgb.evaluate.bootstrap import Estimate
from bgb.evaluate.calibration import CalibrationBin
from bgb.evaluate.metrics import EventCounts, Tally, auroc
from bgb.evaluate.nedc import NedcScores
from envcheck.core import Json, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityAt:
    """The sensitivity at a threshold that was chosen for a rate of false alarms, on dev."""

    limit_per_24h: float
    sensitivity: Estimate
    false_alarms_per_24h: float
    on_threshold: float | None
    """None: every threshold that was tried gives more alarms, and only silence keeps to the limit."""
    off_threshold: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport:
    """Scores of one checkpoint on one split. None stands for what is not defined there."""

    split: str
    checkpoint: str
    checkpoint_sha256: str
    signal_digest: str
    device: str
    precision: str
    rules: dict[str, Json]
    """The `evaluate` section of the configuration."""
    recordings: int
    patients: int
    hours: float
    seizures: int
    seizure_share: float | None
    """Share of samples in seizure: what a guess at random scores as average precision."""
    counts: EventCounts
    scores: dict[str, Estimate]
    """Over samples auroc, average_precision and calibration_error; over events sensitivity, precision, f1 and
    false_alarms_per_24h."""
    sensitivity_at: tuple[SensitivityAt, ...]
    calibration: tuple[CalibrationBin, ...]
    caveats: tuple[str, ...]
    figures: dict[str, str]
    """File name below `figures/` by what it shows."""
    seconds: float
    looks: int | None = None
    """How often this checkpoint was scored on eval, this time included; None on other splits."""
    nedc: NedcScores | None = None

    def to_json(self) -> Json:
        return encode(self)

    def lines(self) -> list[str]:
        """The scores in a few lines, for a terminal."""
        width = max(map(len, _SCORE_NAMES.values()))
        within = ", ".join(f"{_number(at.sensitivity.value)} within {at.limit_per_24h:g}" for at in self.sensitivity_at)
        return [
            f"{self.checkpoint} on {self.split}: {self.recordings} recordings of {self.patients} patients, "
            f"{self.hours:.2f} hours, {self.seizures} seizures",
            *(
                f"{_SCORE_NAMES[name]:>{width}}  {_number(found.value)}  {_interval(found)}".rstrip()
                for name, found in self.scores.items()
            ),
            f"sensitivity at {self.chosen_on}, within false alarms per 24 h: {within}",
            *([] if self.looks is None else [self.looked_at]),
        ]

    @property
    def chosen_on(self) -> str:
        return "the best threshold on dev itself" if self.split == "dev" else "the thresholds chosen on dev"

    @property
    def looked_at(self) -> str:
        """How often eval was looked at with this checkpoint, in a sentence."""
        times = (
            "for the first time" if self.looks == 1 else f"{self.looks} times: what is told here is no longer unseen"
        )
        return f"This checkpoint was scored on eval {times}."


TALLY_COLUMNS = (
    *("recordings", "hours", "seizures", "reference_events", "detected", "false_alarms"),
    *("sensitivity", "false_alarms_per_24h", "auroc"),
)


def tally_rows(tallies: Mapping[str, Tally], name: str) -> list[dict[str, str]]:
    """One row for each tally, under a first column called `name`; empty: not defined."""
    return [{name: key, **dict(zip(TALLY_COLUMNS, _cells(tally), strict=True))} for key, tally in tallies.items()]


def _cells(tally: Tally) -> tuple[str, ...]:
    counts = (tally.events.reference, tally.events.detected, tally.events.false_alarms)
    rates = (tally.events.sensitivity, tally.per_24h(tally.events.false_alarms), auroc(tally))
    return (
        str(tally.recordings),
        f"{tally.seconds / 3600:.4f}",
        str(tally.seizures),
        *(str(count) for count in counts),
        *("" if rate is None else f"{rate:.4f}" for rate in rates),
    )


def render_csv(rows: list[dict[str, str]]) -> str:
    """`rows`, which share their columns, as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def render_markdown(report: EvaluationReport, patients: list[dict[str, str]]) -> str:
    """The page to read; `patients` are rows of `tally_rows`."""
    share = "" if report.seizure_share is None else f" ({report.seizure_share:.2%} of the time)"
    parts = [
        f"# {report.checkpoint} on {report.split}",
        f"{report.recordings} recordings of {report.patients} patients, {report.hours:.2f} hours, "
        f"{report.seizures} labelled seizures{share}.",
        _table(("score", "value", "95 % interval"), [_score_row(*item) for item in report.scores.items()]),
        f"At the configured thresholds {report.counts.detected} of {report.counts.reference} reference events were "
        f"detected, with {report.counts.false_alarms} false alarms.",
        *([] if report.looks is None else [report.looked_at]),
        "## Sensitivity at a rate of false alarms",
        f"At {report.chosen_on}.",
        _table(
            ("at most, per 24 h", "sensitivity", "95 % interval", "found, per 24 h", "on_threshold", "off_threshold"),
            [_point_row(item) for item in report.sensitivity_at],
        ),
        "## By the tool of the corpus",
        _nedc(report.nedc),
        "## What these scores do not say",
        "\n".join(f"- {caveat}" for caveat in report.caveats),
        "## Figures",
        "\n\n".join(f"![{shown}](figures/{name})" for shown, name in report.figures.items()) or "None could be drawn.",
        "## Patients",
        _table(tuple(patients[0]), [tuple(row.values()) for row in patients]),
        "## How it was made",
        f"Checkpoint SHA-256 `{report.checkpoint_sha256}`, signal settings `{report.signal_digest}`, "
        f"{report.device}, {report.precision}. Rules: {', '.join(f'{k} {v}' for k, v in report.rules.items())}. "
        f"Took {report.seconds:.0f} s.",
    ]
    return "\n\n".join(parts) + "\n"


_SCORE_NAMES = {
    "auroc": "AUROC (samples)",
    "average_precision": "average precision (samples)",
    "calibration_error": "calibration error (samples)",
    "sensitivity": "sensitivity (events)",
    "precision": "precision (events)",
    "f1": "F1 (events)",
    "false_alarms_per_24h": "false alarms per 24 h",
}


def _score_row(name: str, estimate: Estimate) -> tuple[str, ...]:
    return _SCORE_NAMES[name], _number(estimate.value), _interval(estimate)


def _point_row(at: SensitivityAt) -> tuple[str, ...]:
    return (
        f"{at.limit_per_24h:g}",
        _number(at.sensitivity.value),
        _interval(at.sensitivity),
        f"{at.false_alarms_per_24h:.2f}",
        "none keeps to it" if at.on_threshold is None else f"{at.on_threshold:.6g}",
        "" if at.off_threshold is None else f"{at.off_threshold:.6g}",
    )


def _nedc(scores: NedcScores | None) -> str:
    if scores is None or not scores.methods:
        return "not run" if scores is None else f"{scores.status}."
    rows: list[tuple[str, ...]] = [
        (name, f"{method.sensitivity:.3f}", f"{method.false_alarms_per_24h:.2f}")
        for name, method in scores.methods.items()
    ]
    return f"{_table(('method', 'sensitivity', 'false alarms per 24 h'), rows)}\n\n{scores.status}."


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"


def _interval(estimate: Estimate) -> str:
    return "" if estimate.low is None else f"{estimate.low:.3f} to {estimate.high:.3f}"


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
