"""Figures: ROC, sensitivity against false alarms, calibration, and EEG with what was labelled and what was predicted.

Functions return a figure and `save` writes it; nothing touches matplotlib's global state, so none has to be closed.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import NDArray

from bgb.config import EvaluateConfig
from bgb.data.recording import CHANNELS, Interval
from bgb.evaluate.bootstrap import Estimate
from bgb.evaluate.calibration import CalibrationBin
from bgb.evaluate.metrics import SECONDS_PER_DAY, Tally, roc_curve

# Okabe and Ito's palette: told apart by readers with any colour vision, and in print.
BLUE, ORANGE, VERMILION = "#0072B2", "#E69F00", "#D55E00"
INK, CAPTION, GREY = "#222222", "#5A5A5A", "#8A8A8A"

STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
}
DASHED = (0, (4, 3))
DOTS_PER_INCH = 150

LOWEST_RATE = 0.5
"""False alarms per 24 h where the axis begins."""
MOST_STRETCHES = 5000
"""Into which a long line is cut: over twice as many as a figure has dots across."""
SMALLEST_SPACING = 4.0
"""Standard deviations between two channels of an excerpt that is quiet throughout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Part of a recording to look at, and what was labelled and predicted in the whole of it."""

    start_seconds: float
    signal: NDArray[np.float32]
    """(19, samples) in standard deviations of each channel over its recording."""
    sample_rate_hz: int
    probability: NDArray[np.float32]
    """(samples,) of the whole recording."""
    truth: Sequence[Interval] | None
    """None: nobody labelled it."""
    predicted: Sequence[Interval]

    @property
    def stop_seconds(self) -> float:
        return self.start_seconds + self.signal.shape[1] / self.sample_rate_hz


def save(figure: Figure, path: Path) -> None:
    """Write `figure` as PNG, whole or not at all."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(buffer.getvalue())
    temporary.replace(path)


def draw_roc(tally: Tally, area: Estimate, caption: str) -> Figure:
    """True against false positive rate over all samples; the tally must hold both classes."""
    false_positive_rate, true_positive_rate = roc_curve(tally)
    with mpl.rc_context(STYLE):
        figure = _figure(5.2, 5.6)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=DASHED, label="chance")
        axes.plot(false_positive_rate, true_positive_rate, color=BLUE, linewidth=2, label=f"AUROC {_text(area)}")
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axes.set(xlabel="False positive rate (samples)", ylabel="True positive rate (samples)")
        axes.legend(loc="lower right")
        _title(axes, "Receiver operating characteristic", caption)
    return figure


def draw_calibration(bins: Sequence[CalibrationBin], error: Estimate, caption: str) -> Figure:
    """The share of seizure against the probability that was told, and below it how many samples were told it."""
    told = np.array([item.mean_probability for item in bins])
    shares = np.array([item.share_of_samples for item in bins])
    with mpl.rc_context(STYLE):
        figure = _figure(5.2, 6.6)
        axes, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [4, 1]})
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=DASHED, label="as told")
        for item in bins:
            low, high = item.seizure_share.low, item.seizure_share.high
            if low is not None and high is not None:
                axes.plot(
                    [item.mean_probability] * 2, [low, high], color=BLUE, alpha=0.4, linewidth=5, solid_capstyle="butt"
                )
        found = np.array([item.seizure_share.value for item in bins], np.float64)
        label = "found, with 95 % interval over patients"
        axes.plot(told, found, "o-", color=BLUE, linewidth=1.5, label=label)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="Share in seizure (samples)")
        axes.legend(loc="lower right")
        below.bar(told, shares, width=0.05, color=BLUE, alpha=0.6)
        below.set(yscale="log", xlabel="Probability of seizure, mean of a tenth", ylabel="Samples")
        below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        _title(axes, "Calibration", f"{caption}\ncalibration error {_text(error)}")
    return figure


def draw_sensitivity(tally: Tally, limits: Mapping[float, Estimate], caption: str) -> Figure:
    """Event sensitivity against false alarms per 24 h; the tally must hold reference events."""
    detected, alarms = tally.sweep.T
    order = np.lexsort((detected, alarms))
    rates = alarms[order] * SECONDS_PER_DAY / tally.seconds
    best = np.maximum.accumulate(detected[order]) / tally.events.reference
    shown = rates > LOWEST_RATE
    right = 2 * max(*limits, tally.per_24h(tally.events.false_alarms), float(rates[np.argmax(best)]))
    x = np.r_[LOWEST_RATE, rates[shown], right]
    y = np.r_[best[~shown].max(initial=0), best[shown], best[-1]]
    with mpl.rc_context(STYLE):
        figure = _figure(6.4, 5)
        axes = figure.subplots()
        axes.step(x, y, where="post", color=BLUE, linewidth=2, label="best threshold for each rate")
        _draw_limits(axes, limits)
        _draw_configured(axes, tally)
        axes.set(xscale="log", xlim=(LOWEST_RATE, right), ylim=(-0.02, 1.02))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set(xlabel="False alarms per 24 h, at most", ylabel="Sensitivity (events)")
        _title(axes, "Sensitivity against false alarms", caption)
        figure.legend(loc="outside lower left")
    return figure


def draw_excerpt(excerpt: Excerpt, rules: EvaluateConfig, title: str, caption: str) -> Figure:
    """EEG above, the probability of the same seconds below it, and the probability of the whole recording."""
    with mpl.rc_context(STYLE):
        figure = _figure(11, 8.5)
        traces, zoomed, whole = figure.subplots(3, 1, gridspec_kw={"height_ratios": [7, 1.5, 1.1]})
        zoomed.sharex(traces)
        _draw_traces(traces, excerpt)
        first = round(excerpt.start_seconds * excerpt.sample_rate_hz)
        _draw_probability(zoomed, excerpt, rules, slice(first, first + excerpt.signal.shape[1]))
        zoomed.set(xlim=(excerpt.start_seconds, excerpt.stop_seconds), xlabel="Time (s)")
        _draw_probability(whole, excerpt, rules, slice(0, len(excerpt.probability)))
        whole.set(xlim=(0, len(excerpt.probability) / excerpt.sample_rate_hz), xlabel="Whole recording (s)")
        whole.axvspan(excerpt.start_seconds, excerpt.stop_seconds, facecolor="none", edgecolor=INK, linewidth=1.2)
        _title(traces, title, caption)
        keys = {
            **({} if excerpt.truth is None else {"labelled seizure": Patch(color=BLUE)}),
            "predicted event": Patch(color=ORANGE),
            "thresholds": Line2D([], [], color=INK, linestyle=DASHED, linewidth=0.8),
        }
        figure.legend(list(keys.values()), list(keys), loc="outside upper right", ncols=3)
    return figure


def _figure(width_inches: float, height_inches: float) -> Figure:
    return Figure(figsize=(width_inches, height_inches), dpi=DOTS_PER_INCH, layout="constrained")


def _title(axes: Axes, title: str, caption: str) -> None:
    """What is shown, and below it, in smaller lines, for which split and checkpoint."""
    axes.set_title(title, pad=8 + 12 * (caption.count("\n") + 1))
    corner, offset = (0, 1), (0, 6)
    axes.annotate(
        caption, corner, offset, xycoords="axes fraction", textcoords="offset points", fontsize=8.5, color=CAPTION
    )


def _text(estimate: Estimate) -> str:
    value = "not defined" if estimate.value is None else f"{estimate.value:.3f}"
    return value if estimate.low is None else f"{value} (95 % interval {estimate.low:.3f} to {estimate.high:.3f})"


def _draw_limits(axes: Axes, limits: Mapping[float, Estimate]) -> None:
    """Sensitivity at each rate of false alarms that is told, with its interval."""
    for rate, estimate in limits.items():
        if estimate.low is not None and estimate.high is not None:
            axes.plot(
                [rate, rate], [estimate.low, estimate.high], color=BLUE, alpha=0.4, linewidth=5, solid_capstyle="butt"
            )
    rates = [f"{rate:g}" for rate in limits]
    label = f"at {', '.join(rates)} per 24 h, with 95 % interval over patients"
    values = np.array([estimate.value for estimate in limits.values()], np.float64)
    axes.plot(list(limits), values, "o", color=BLUE, label=label)


def _draw_configured(axes: Axes, tally: Tally) -> None:
    """The configured thresholds; none at all has no place on a logarithmic axis and is drawn at its edge."""
    rate, sensitivity = tally.per_24h(tally.events.false_alarms), tally.events.sensitivity or 0.0
    edge = ", at the edge" if rate < LOWEST_RATE else ""
    label = f"configured thresholds, {rate:.3g} per 24 h{edge}"
    place = max(rate, LOWEST_RATE)
    axes.plot(place, sensitivity, "D", color=VERMILION, markersize=8, clip_on=False, zorder=5, label=label)


def _draw_traces(axes: Axes, excerpt: Excerpt) -> None:
    """One channel below the other, as far apart as the excerpt is loud, and how far that is at the right."""
    seconds = excerpt.start_seconds + np.arange(excerpt.signal.shape[1]) / excerpt.sample_rate_hz
    spacing = max(float(np.ceil(1.6 * np.quantile(np.abs(excerpt.signal), 0.99))), SMALLEST_SPACING)
    heights = -spacing * np.arange(len(CHANNELS))
    axes.plot(seconds, excerpt.signal.T + heights, color=INK, linewidth=0.5)
    _mark_labels(axes, excerpt)
    for intervals, bottom, color in ((excerpt.truth or (), 0.98, BLUE), (excerpt.predicted, 0.955, ORANGE)):
        for item in intervals:
            axes.axvspan(item.start_seconds, item.stop_seconds, bottom, bottom + 0.02, color=color, linewidth=0)
    axes.set(ylim=(heights[-1] - spacing, 2 * spacing))
    axes.set_yticks(heights, CHANNELS)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelbottom=False)
    axes.grid(visible=False, axis="y")
    right, middle = axes.get_yaxis_transform(), heights[-1] + spacing / 2
    axes.plot([1.012, 1.012], heights[[-1, -2]], transform=right, color=INK, linewidth=2, clip_on=False)
    axes.text(1.02, middle, f"{spacing:g} SD", transform=right, va="center", fontsize=9)


def _draw_probability(axes: Axes, excerpt: Excerpt, rules: EvaluateConfig, span: slice) -> None:
    """The probability at the samples of `span`, filled where it makes an event."""
    seconds, probability = _thinned(excerpt.probability[span], span.start, excerpt.sample_rate_hz)
    _mark_labels(axes, excerpt)
    for item in excerpt.predicted:
        inside = (seconds >= item.start_seconds) & (seconds < item.stop_seconds)
        axes.fill_between(seconds[inside], probability[inside], color=ORANGE, alpha=0.6, linewidth=0)
    axes.plot(seconds, probability, color=VERMILION, linewidth=1.2)
    for threshold in (rules.on_threshold, rules.off_threshold):
        axes.axhline(threshold, color=INK, linewidth=0.8, linestyle=DASHED)
    axes.set(ylim=(-0.03, 1.03), yticks=(0, 0.5, 1), ylabel="P(seizure)")


def _thinned(
    values: NDArray[np.float32], first: int, sample_rate_hz: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Seconds and values to draw: of many, lowest and highest of each stretch. 24 h in full took matplotlib 3 GB."""
    step = len(values) // MOST_STRETCHES
    if step < 2:
        return (first + np.arange(len(values))) / sample_rate_hz, values
    stretches = np.pad(values, (0, -len(values) % step), "edge").reshape(-1, step)
    ends = np.stack([stretches.min(1), stretches.max(1)], axis=1).ravel()
    return (first + (np.arange(len(ends)) + 0.5) * step / 2) / sample_rate_hz, ends


def _mark_labels(axes: Axes, excerpt: Excerpt) -> None:
    for item in excerpt.truth or ():
        axes.axvspan(item.start_seconds, item.stop_seconds, color=BLUE, alpha=0.14, linewidth=0)
