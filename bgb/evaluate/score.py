"""Score a checkpoint on the cached recordings of a split, and write down everything that was found."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from numpy.typing import NDArray

from bgb.config import EvaluateConfig, RunConfig
from bgb.data.annotations import Annotations, write_csv_bi
from bgb.data.cache import CachedRecording, cached_path, open_cached
from bgb.data.manifest import ManifestRow
from bgb.data.recording import CHANNELS
from bgb.data.signal import SignalSettings
from bgb.data.windows import WindowSpec
from bgb.errors import CacheError, CheckpointError, ConfigError, DataError
from bgb.evaluate.bids import events_path, write_events
from bgb.evaluate.bootstrap import Estimate, Score, estimate
from bgb.evaluate.calibration import BINS, calibration_bins, calibration_error, share_in
from bgb.evaluate.caveats import find_caveats
from bgb.evaluate.checkpoint import Checkpoint, load_checkpoint
from bgb.evaluate.events import at_threshold, find_events
from bgb.evaluate.looks import looking
from bgb.evaluate.metrics import (
    FALSE_ALARM_LIMITS,
    OperatingPoint,
    Tally,
    auroc,
    average_precision,
    operating_point,
    point_at,
    tally_recording,
)
from bgb.evaluate.moments import Moment, choose_moments, find_moments
from bgb.evaluate.nedc import run_tool, write_lists
from bgb.evaluate.plots import Excerpt, draw_calibration, draw_excerpt, draw_roc, draw_sensitivity, save
from bgb.evaluate.predict import Predictor
from bgb.evaluate.report import EvaluationReport, SensitivityAt, render_csv, render_markdown, tally_rows
from bgb.evaluate.thresholds import read_thresholds, write_thresholds
from envcheck.storage import write_json, write_text

HEARTBEAT_SECONDS = 5.0
EXCERPT_SECONDS = 40
LEAD_SECONDS = 10
"""How much of an excerpt comes before what it shows."""

_SCORES: dict[str, Score] = {
    "auroc": auroc,
    "average_precision": average_precision,
    "calibration_error": calibration_error,
    "sensitivity": lambda tally: tally.events.sensitivity,
    "precision": lambda tally: tally.events.precision,
    "f1": lambda tally: tally.events.f1,
    "false_alarms_per_24h": lambda tally: tally.per_24h(tally.events.false_alarms),
}


Carried = Mapping[float, float | None]
"""The `on_threshold` that was chosen on dev for each limit of false alarms."""


def _point(tally: Tally, limit_per_24h: float, carried: Carried | None) -> OperatingPoint:
    if carried is None:
        return operating_point(tally, limit_per_24h)
    return point_at(tally, limit_per_24h, carried[limit_per_24h])


def _sensitivity_within(limit_per_24h: float, carried: Carried | None) -> Score:
    return lambda tally: _point(tally, limit_per_24h, carried).sensitivity


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRequest:
    """What to score, and where to."""

    config: RunConfig
    """Its `evaluate` section, its device, precision, batch size and kernel count. The network, its windows and its
    signal settings are those of the checkpoint."""
    checkpoint: Path
    rows: tuple[ManifestRow, ...]
    """The recordings of `config.evaluate.split`."""
    cache: Path
    out: Path
    again: bool = False
    """Score eval although this checkpoint was scored on it before."""
    progress: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scored:
    """What is kept of one recording."""

    row: ManifestRow
    tally: Tally
    moments: tuple[Moment, ...]


def evaluate(request: EvaluateRequest) -> EvaluationReport:
    """Score every recording and write `metrics.json`, `report.md`, the tables, predictions and figures to `out`.

    On dev, thresholds are chosen and kept beside the checkpoint; on any other split those are used, and eval is scored
    once for a checkpoint unless asked for `again`.

    Raises `CheckpointError` for a file that is no checkpoint of ours or a network that gives no numbers, `CacheError`
    for a cache that is damaged or was made with other signal settings, `DataError` where there is nothing to score.
    """
    started = time.monotonic()
    if not request.rows:
        raise DataError(f"no recording in {request.config.evaluate.split} to evaluate: build the cache of this split")
    checkpoint = load_checkpoint(request.checkpoint, request.config.model.mamba.kernel)
    predictor = _predictor(checkpoint, request.config)
    split, rules = request.config.evaluate.split, request.config.evaluate
    carried = None if split == "dev" else read_thresholds(request.checkpoint, checkpoint.sha256, rules)
    with contextlib.ExitStack() as stack:
        count = None
        if split == "eval":
            count = stack.enter_context(looking(request.checkpoint, checkpoint.sha256, again=request.again))
        scored = _score_all(request, checkpoint, predictor)
        looks = None if count is None else count()
    patients = {row.patient: Tally.empty() for row in request.rows}
    for item in scored:
        patients[item.row.patient] += item.tally
    write_lists(request.out, request.rows)
    report = dataclasses.replace(
        _report(request, checkpoint, patients, carried), looks=looks, nedc=run_tool(request.out)
    )
    figures = {
        **_draw_scores(request, report, sum(patients.values(), Tally.empty())),
        **_draw_moments(request, checkpoint, predictor, scored),
    }
    report = dataclasses.replace(report, figures=figures, seconds=round(time.monotonic() - started, 3))
    _write(request.out, report, patients, scored)
    if carried is None:
        chosen = {at.limit_per_24h: at.on_threshold for at in report.sensitivity_at}
        write_thresholds(request.checkpoint, checkpoint.sha256, rules, chosen)
    return report


def _predictor(checkpoint: Checkpoint, config: RunConfig) -> Predictor:
    device, precision = config.train.device, config.train.precision
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("train.device is cuda, and torch sees no GPU here; name cpu, or evaluate where there is one")
    if device == "cpu" and precision == "fp16":
        raise ConfigError("train.precision is fp16, which torch does not compute on a CPU; name bf16 or fp32")
    if config.train.threads is not None:
        torch.set_num_threads(config.train.threads)
    return Predictor(
        detector=checkpoint.detector.to(device),
        spec=WindowSpec.from_config(checkpoint.config.data, checkpoint.config.signal),
        scale=SignalSettings.from_config(checkpoint.config.signal).scale,
        batch_size=config.train.batch_size,
        device=device,
        precision=precision,
    )


def _score_all(request: EvaluateRequest, checkpoint: Checkpoint, predictor: Predictor) -> list[_Scored]:
    """Predict and score each recording, saying where we are every few seconds."""
    scored: list[_Scored] = []
    total, last = len(request.rows), time.monotonic()

    def heartbeat(done: int, windows: int) -> None:
        nonlocal last
        if request.progress is not None and time.monotonic() - last >= HEARTBEAT_SECONDS:
            place = f"recording {len(scored) + 1} of {total}, window {done} of {windows}"
            request.progress(f"[EVALUATE] {place}: {request.rows[len(scored)].key}")
            last = time.monotonic()

    for row in request.rows:
        with _open(request.cache, row, checkpoint) as cached:
            probability = predictor.predict(cached, row.samples, heartbeat)
        scored.append(_score(request, row, probability))
    return scored


def _open(cache: Path, row: ManifestRow, checkpoint: Checkpoint) -> CachedRecording:
    cached = open_cached(cached_path(cache, row.key))
    if cached.meta.settings_digest != checkpoint.signal_digest:
        raise CacheError(
            f"{row.key}: cached with signal settings {cached.meta.settings_digest}, the checkpoint was trained on "
            f"{checkpoint.signal_digest}; evaluate on a cache made with the settings that it was trained on"
        )
    if cached.meta.samples != row.samples:
        raise CacheError(
            f"{row.key}: {cached.meta.samples} samples in the cache, {row.samples} in the manifest; "
            "rebuild the manifest from the cache"
        )
    return cached


def _score(request: EvaluateRequest, row: ManifestRow, probability: NDArray[np.float32]) -> _Scored:
    """Count, find what is worth looking at, and write the predicted events where the corpus has the labels."""
    rules, rate = request.config.evaluate, row.sample_rate_hz
    try:
        tally = tally_recording(probability, row.seizures, rate, rules)
    except DataError as error:
        raise CheckpointError(
            f"{row.key}: {error}; {request.checkpoint} is damaged, or overflows in {request.config.train.precision}: "
            "try fp32"
        ) from error
    predicted = find_events(probability, rate, rules)
    path = request.out / "predictions" / f"{row.key}.csv_bi"
    path.parent.mkdir(parents=True, exist_ok=True)
    annotations = Annotations(duration_seconds=tally.seconds, seizures=predicted)
    write_csv_bi(path, annotations, stem=PurePosixPath(row.key).name)
    write_events(request.out / "bids" / events_path(row.key), predicted, tally.seconds)
    moments = find_moments(row.key, probability, rate, row.seizures, predicted)
    return _Scored(row=row, tally=tally, moments=moments)


def _report(
    request: EvaluateRequest, checkpoint: Checkpoint, patients: Mapping[str, Tally], carried: Carried | None
) -> EvaluationReport:
    config, whole = request.config, sum(patients.values(), Tally.empty())
    within = {f"within {limit:g}": _sensitivity_within(limit, carried) for limit in FALSE_ALARM_LIMITS}
    shares = {f"share in bin {index}": share_in(index) for index in range(BINS)}
    found = estimate(list(patients.values()), {**_SCORES, **within, **shares}, seed=config.seed)
    return EvaluationReport(
        split=config.evaluate.split,
        checkpoint=request.checkpoint.name,
        checkpoint_sha256=checkpoint.sha256,
        signal_digest=checkpoint.signal_digest,
        device=config.train.device,
        precision=config.train.precision,
        rules=config.evaluate.model_dump(mode="json", exclude={"split"}),
        recordings=whole.recordings,
        patients=len(patients),
        hours=whole.seconds / 3600,
        seizures=whole.seizures,
        seizure_share=whole.seizure_share,
        counts=whole.events,
        scores={name: found[name] for name in _SCORES},
        sensitivity_at=tuple(
            _sensitivity_at(config, _point(whole, limit, carried), found[name])
            for name, limit in zip(within, FALSE_ALARM_LIMITS, strict=True)
        ),
        calibration=calibration_bins(whole, tuple(found[name] for name in shares)),
        caveats=find_caveats(config, list(patients.values())),
        figures={},
        seconds=0.0,
    )


def _sensitivity_at(config: RunConfig, point: OperatingPoint, sensitivity: Estimate) -> SensitivityAt:
    on = point.on_threshold
    return SensitivityAt(
        limit_per_24h=point.limit_per_24h,
        sensitivity=sensitivity,
        false_alarms_per_24h=point.false_alarms_per_24h,
        on_threshold=on,
        off_threshold=None if on is None else at_threshold(config.evaluate, on).off_threshold,
    )


def _draw_scores(request: EvaluateRequest, report: EvaluationReport, whole: Tally) -> dict[str, str]:
    """The figures that these scores allow, as file name by what is shown."""
    folder = request.out / "figures"
    caption = (
        f"{report.split}: {report.recordings} recordings of {report.patients} patients, {report.hours:.1f} h\n"
        f"checkpoint {report.checkpoint}"
    )
    figures = {}
    if whole.has_both_classes:
        save(draw_roc(whole, report.scores["auroc"], caption), folder / "roc.png")
        figures["Receiver operating characteristic"] = "roc.png"
        save(
            draw_calibration(report.calibration, report.scores["calibration_error"], caption),
            folder / "calibration.png",
        )
        figures["Calibration"] = "calibration.png"
    if whole.events.reference:
        limits = {at.limit_per_24h: at.sensitivity for at in report.sensitivity_at}
        save(draw_sensitivity(whole, limits, caption), folder / "sensitivity.png")
        figures["Sensitivity against false alarms"] = "sensitivity.png"
    return figures


def _draw_moments(
    request: EvaluateRequest, checkpoint: Checkpoint, predictor: Predictor, scored: Sequence[_Scored]
) -> dict[str, str]:
    """EEG around a few moments. Their recordings are predicted again, which costs less than keeping all of them."""
    rules, rows = request.config.evaluate, {item.row.key: item.row for item in scored}
    chosen = choose_moments([moment for item in scored for moment in item.moments], seed=request.config.seed)
    figures = {}
    for title, moment in chosen.items():
        row = rows[moment.key]
        outcome = "" if not moment.is_seizure else " (detected)" if moment.detected else " (missed)"
        with _open(request.cache, row, checkpoint) as cached:
            excerpt = _excerpt(moment, row, cached, predictor, rules)
        place = f"{moment.interval.start_seconds:.1f} to {moment.interval.stop_seconds:.1f} s"
        caption = (
            f"{row.key}, {place}, mean probability {moment.mean_probability:.2f}\n"
            f"{rules.split}, checkpoint {request.checkpoint.name}"
        )
        name = f"{title.lower().replace(' ', '-')}.png"
        save(draw_excerpt(excerpt, rules, title + outcome, caption), request.out / "figures" / name)
        figures[title + outcome] = name
    return figures


def _excerpt(
    moment: Moment, row: ManifestRow, cached: CachedRecording, predictor: Predictor, rules: EvaluateConfig
) -> Excerpt:
    rate = row.sample_rate_hz
    length = min(EXCERPT_SECONDS * rate, row.samples)
    first = min(max(int((moment.interval.start_seconds - LEAD_SECONDS) * rate), 0), row.samples - length)
    window = np.empty((len(CHANNELS), length), np.int16)
    cached.read_window(first, window)
    probability = predictor.predict(cached, row.samples)
    return Excerpt(
        start_seconds=first / rate,
        signal=window * np.float32(predictor.scale),
        sample_rate_hz=rate,
        probability=probability,
        truth=row.seizures,
        predicted=find_events(probability, rate, rules),
    )


def _write(out: Path, report: EvaluationReport, patients: Mapping[str, Tally], scored: Sequence[_Scored]) -> None:
    patient_rows = tally_rows(patients, "patient")
    recording_rows = tally_rows({item.row.key: item.tally for item in scored}, "recording")
    write_json(out / "metrics.json", report.to_json())
    write_text(out / "per_patient.csv", render_csv(patient_rows))
    write_text(out / "per_recording.csv", render_csv(recording_rows))
    write_text(out / "report.md", render_markdown(report, patient_rows))
