from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from bgb.config import EvaluateConfig
from bgb.data.recording import CHANNELS, Interval
from bgb.evaluate.bootstrap import Estimate
from bgb.evaluate.events import find_events
from bgb.evaluate.metrics import FALSE_ALARM_LIMITS, Tally, tally_recording
from bgb.evaluate.plots import Excerpt, draw_excerpt, draw_roc, draw_sensitivity, save

RATE = 32
RULES = EvaluateConfig()
SEIZURE = (Interval(start_seconds=100, stop_seconds=160),)


def tally(height: float) -> Tally:
    probability = np.random.default_rng(0).random(600 * RATE, np.float32) * np.float32(0.3)
    probability[100 * RATE : 160 * RATE] = height
    return tally_recording(probability, SEIZURE, RATE, RULES)


def excerpt(predicted: tuple[Interval, ...]) -> Excerpt:
    generator = np.random.default_rng(0)
    return Excerpt(
        start_seconds=90,
        signal=generator.standard_normal((19, 40 * RATE), np.float32),
        sample_rate_hz=RATE,
        probability=generator.random(600 * RATE, np.float32),
        truth=SEIZURE,
        predicted=predicted,
    )


def texts(figure: Figure) -> set[str]:
    return {text.get_text() for axes in figure.axes for text in (*axes.texts, axes.title, axes._left_title)}  # type: ignore[attr-defined]


def test_a_saved_figure_is_a_png_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "figures" / "roc.png"
    save(draw_roc(tally(0.9), Estimate(value=0.9, low=0.8, high=1.0), "dev\ncheckpoint"), path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert list(path.parent.iterdir()) == [path]


def test_a_figure_says_what_it_shows_and_of_what() -> None:
    assert {"Receiver operating characteristic", "dev, best.ckpt"} <= texts(
        draw_roc(tally(0.9), Estimate(value=1.0), "dev, best.ckpt")
    )


@pytest.mark.parametrize("height", [0.95, 0.2], ids=["detected without a false alarm", "missed"])
def test_sensitivity_is_drawn_whatever_was_found(height: float, tmp_path: Path) -> None:
    limits = {limit: Estimate(value=0.5, low=0.1, high=0.9) for limit in FALSE_ALARM_LIMITS}
    figure = draw_sensitivity(tally(height), limits, "dev")
    save(figure, tmp_path / "sensitivity.png")
    (axes,) = figure.axes
    assert axes.get_xlabel() == "False alarms per 24 h, at most"
    curve = np.asarray(axes.lines[0].get_ydata())
    assert (np.diff(curve) >= 0).all()
    assert curve[-1] == 1.0


@pytest.mark.parametrize("predicted", [(), find_events(np.ones(600 * RATE, np.float32), RATE, RULES)])
def test_an_excerpt_shows_all_channels_with_and_without_predictions(predicted: tuple[Interval, ...]) -> None:
    figure = draw_excerpt(excerpt(predicted), RULES, "Seizure", "key")
    traces, zoomed, whole = figure.axes
    assert tuple(label.get_text() for label in traces.get_yticklabels()) == CHANNELS
    assert traces.get_xlim() == zoomed.get_xlim() == (90, 130)
    assert whole.get_xlim() == (0, 600)
    assert any(text.endswith(" SD") for text in texts(figure))


def test_louder_traces_stand_farther_apart() -> None:
    quiet = excerpt(())
    loud = Excerpt(
        start_seconds=90,
        signal=quiet.signal * 3,
        sample_rate_hz=RATE,
        probability=quiet.probability,
        truth=(),
        predicted=(),
    )
    heights = [np.diff(draw_excerpt(item, RULES, "", "").axes[0].get_yticks())[0] for item in (quiet, loud)]
    assert heights[1] < heights[0] < 0
