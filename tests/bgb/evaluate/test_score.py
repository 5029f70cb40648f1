from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring

from bgb.data.annotations import read_csv_bi
from bgb.data.cache import cached_path
from bgb.data.manifest import ManifestRow
from bgb.data.signal import SignalSettings
from bgb.errors import CacheError, CheckpointError, ConfigError, DataError
from bgb.evaluate.bids import events_path
from bgb.evaluate.report import EvaluationReport
from bgb.evaluate.score import EvaluateRequest, evaluate
from tests.bgb.evaluate.small_run import (
    RECORDINGS,
    Recorded,
    small_config,
    trained_weights,
    write_cache,
    write_checkpoint,
    write_recording,
)


@dataclass(frozen=True)
class Evaluated:
    report: EvaluationReport
    request: EvaluateRequest


def request_for(root: Path, rows: tuple[ManifestRow, ...], **evaluate_section: object) -> EvaluateRequest:
    config = small_config(root, **evaluate_section)
    return EvaluateRequest(
        config=config,
        checkpoint=write_checkpoint(root / "run" / "best.ckpt", config),
        rows=rows,
        cache=root / "cache",
        out=root / "out",
    )


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    root = tmp_path_factory.mktemp("small")
    request = request_for(root, write_cache(root / "cache"))
    return Evaluated(report=evaluate(request), request=request)


def predictions(request: EvaluateRequest) -> Iterator[tuple[Recorded, list[tuple[float, float]]]]:
    for recorded in RECORDINGS:
        path = request.out / "predictions" / f"{recorded.key}.csv_bi"
        found = read_csv_bi(path, recording_seconds=recorded.seconds)
        yield recorded, [(item.start_seconds, item.stop_seconds) for item in found.seizures]


def test_the_scores_are_those_of_timescoring_on_the_predictions_that_were_written(evaluated: Evaluated) -> None:
    by_hand = [
        EventScoring(
            Annotation(list(recorded.seizures), 10, round(recorded.seconds * 10)),
            Annotation(events, 10, round(recorded.seconds * 10)),
        )
        for recorded, events in predictions(evaluated.request)
    ]
    counts = evaluated.report.counts
    assert counts.reference == sum(score.refTrue for score in by_hand) == 2
    assert counts.detected == sum(score.tp for score in by_hand) == 2
    assert counts.false_alarms == sum(score.fp for score in by_hand)


def test_a_network_that_learnt_its_task_scores_well(evaluated: Evaluated) -> None:
    scores = evaluated.report.scores
    assert (scores["auroc"].value or 0) > 0.99
    assert (scores["average_precision"].value or 0) > 0.95
    assert scores["sensitivity"].value == 1.0
    assert [at.sensitivity.value for at in evaluated.report.sensitivity_at] == [1.0] * 4


def test_predicted_events_lie_where_the_seizures_are(evaluated: Evaluated) -> None:
    for recorded, events in predictions(evaluated.request):
        for (start, stop), (found_start, found_stop) in zip(recorded.seizures, events, strict=True):
            assert math.isclose(start, found_start, abs_tol=1)
            assert math.isclose(stop, found_stop, abs_tol=1)


def test_everything_that_was_found_is_written_down(evaluated: Evaluated) -> None:
    out, report = evaluated.request.out, evaluated.report
    assert json.loads((out / "metrics.json").read_text()) == report.to_json()
    assert (report.recordings, report.patients, report.seizures) == (4, 3, 2)
    assert report.hours == pytest.approx(sum(recorded.seconds for recorded in RECORDINGS) / 3600)
    figures = {path.name for path in (out / "figures").iterdir()}
    assert figures == set(report.figures.values())
    assert {"roc.png", "sensitivity.png", "calibration.png", "seizure-with-the-highest-probability.png"} <= figures
    text = (out / "report.md").read_text()
    assert all(name in text for name in figures)
    assert all(caveat in text for caveat in report.caveats)


def test_tables_pool_what_they_count(evaluated: Evaluated) -> None:
    def read(name: str) -> list[dict[str, str]]:
        with (evaluated.request.out / name).open(newline="") as file:
            return list(csv.DictReader(file))

    patients, recordings = read("per_patient.csv"), read("per_recording.csv")
    assert [row["patient"] for row in patients] == ["aaaaaaaa", "aaaaaaab", "aaaaaaac"]
    assert [row["recording"] for row in recordings] == [recorded.key for recorded in RECORDINGS]
    for column in ("recordings", "seizures", "detected", "false_alarms"):
        assert sum(int(row[column]) for row in patients) == sum(int(row[column]) for row in recordings)
    assert patients[2]["sensitivity"] == patients[2]["auroc"] == ""


def test_the_terminal_gets_the_scores_in_a_few_lines(evaluated: Evaluated) -> None:
    lines = evaluated.report.lines()
    assert lines[0].startswith("best.ckpt on dev: 4 recordings of 3 patients")
    assert any("AUROC" in line for line in lines)
    assert len(lines) < 12


def test_two_patients_with_seizures_bear_an_interval(evaluated: Evaluated) -> None:
    found = evaluated.report.scores["auroc"]
    assert found.low is not None
    assert found.value is not None
    assert found.low <= found.value


def test_a_threshold_chosen_on_the_scored_split_is_called_that(evaluated: Evaluated) -> None:
    assert any("best threshold on dev itself" in caveat for caveat in evaluated.report.caveats)


def test_a_split_without_seizures_has_false_alarms_and_says_what_it_has_not(tmp_path: Path) -> None:
    rows = write_cache(tmp_path / "cache", RECORDINGS[3:])
    report = evaluate(request_for(tmp_path, rows))
    undefined = [name for name, found in report.scores.items() if found.value is None]
    assert undefined == ["auroc", "average_precision", "sensitivity", "precision", "f1"]
    assert report.scores["false_alarms_per_24h"].value == 0
    assert report.figures == {}
    assert any("no seizure" in caveat for caveat in report.caveats)
    assert "not defined" in (tmp_path / "out" / "report.md").read_text()


def test_a_split_that_is_all_seizure_has_no_area_under_a_curve(tmp_path: Path) -> None:
    recorded = Recorded(key="dev/aaaaaaaa/s001_2002/01_tcp_ar/aaaaaaaa_s001_t000", seconds=40, seizures=((0, 40),))
    report = evaluate(request_for(tmp_path, write_cache(tmp_path / "cache", (recorded,))))
    assert report.scores["auroc"].value is None
    assert report.scores["sensitivity"].value == 1.0
    assert any("Every sample here is seizure" in caveat for caveat in report.caveats)


def test_a_network_that_gives_no_numbers_is_an_error_that_names_the_recording(tmp_path: Path) -> None:
    request = request_for(tmp_path, write_cache(tmp_path / "cache", RECORDINGS[:1]))
    broken = {name: torch.full_like(value, math.nan) for name, value in trained_weights().items()}
    write_checkpoint(request.checkpoint, request.config, weights=broken)
    with pytest.raises(CheckpointError, match=r"aaaaaaaa_s001_t000: 38400 of 38400 probabilities are not numbers"):
        evaluate(request)


def test_a_cache_of_other_signal_settings_is_refused_with_both_digests(tmp_path: Path) -> None:
    other = SignalSettings(notch_hz=50.0)
    row = write_recording(tmp_path / "cache", RECORDINGS[1], 0, settings=other)
    with pytest.raises(CacheError) as raised:
        evaluate(request_for(tmp_path, (row,)))
    assert other.digest() in str(raised.value)
    assert SignalSettings().digest() in str(raised.value)


def test_a_manifest_of_another_length_is_refused(tmp_path: Path) -> None:
    (row,) = write_cache(tmp_path / "cache", RECORDINGS[1:2])
    with pytest.raises(CacheError, match="1280 samples in the cache, 1281 in the manifest"):
        evaluate(request_for(tmp_path, (dataclasses.replace(row, samples=1281),)))


def test_a_recording_that_is_not_cached_is_an_error_that_names_it(tmp_path: Path) -> None:
    rows = write_cache(tmp_path / "cache", RECORDINGS[1:2])
    cached_path(tmp_path / "cache", rows[0].key).unlink()
    with pytest.raises(CacheError, match="aaaaaaaa_s001_t001"):
        evaluate(request_for(tmp_path, rows))


@pytest.mark.parametrize(
    ("train", "message"),
    [
        pytest.param(
            {"device": "cuda"},
            "torch sees no GPU here",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here"),
        ),
        ({"precision": "fp16"}, "fp16, which torch does not compute on a CPU"),
    ],
)
def test_what_the_machine_cannot_do_is_said_before_anything_is_read(
    train: dict[str, str], message: str, tmp_path: Path
) -> None:
    request = request_for(tmp_path, write_cache(tmp_path / "cache", RECORDINGS[1:2]))
    config = request.config.model_copy(update={"train": request.config.train.model_copy(update=train)})
    with pytest.raises(ConfigError, match=message):
        evaluate(dataclasses.replace(request, config=config))


def test_nothing_to_score_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no recording in eval to evaluate"):
        evaluate(request_for(tmp_path, (), split="eval"))


def test_made_up_eeg_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "SYNTHETIC.txt").write_text("SYNTHETIC EEG\n")
    report = evaluate(request_for(tmp_path, write_cache(tmp_path / "cache", RECORDINGS[1:2])))
    assert report.caveats[0] == "SYNTHETIC EEG"


def test_thresholds_are_chosen_on_dev_and_eval_is_scored_with_them_once(tmp_path: Path) -> None:
    dev = request_for(tmp_path, write_cache(tmp_path / "cache", RECORDINGS[:3]))
    rules = dev.config.evaluate.model_copy(update={"split": "eval"})
    held_back = dataclasses.replace(
        dev, config=dev.config.model_copy(update={"evaluate": rules}), out=tmp_path / "out-eval"
    )
    with pytest.raises(CheckpointError, match="no thresholds were chosen for this checkpoint"):
        evaluate(held_back)
    chosen = evaluate(dev)
    report = evaluate(held_back)
    assert [at.on_threshold for at in report.sensitivity_at] == [at.on_threshold for at in chosen.sensitivity_at]
    # The same recordings under another name: what dev's thresholds gave there, they give here.
    assert [at.sensitivity.value for at in report.sensitivity_at] == [
        at.sensitivity.value for at in chosen.sensitivity_at
    ]
    assert chosen.looks is None
    assert report.looks == 1
    with pytest.raises(ConfigError, match=r"scored on eval once already.*--again"):
        evaluate(held_back)
    again = evaluate(dataclasses.replace(held_back, again=True))
    assert again.looks == 2
    text = (held_back.out / "report.md").read_text()
    assert "scored on eval 2 times: what is told here is no longer unseen" in text
    assert "At the thresholds chosen on dev" in text


def test_bids_events_are_those_of_the_predictions(evaluated: Evaluated) -> None:
    found = sorted(path.name for path in (evaluated.request.out / "bids").rglob("*_events.tsv"))
    assert len(found) == len(RECORDINGS)
    for recorded, events in predictions(evaluated.request):
        path = evaluated.request.out / "bids" / events_path(recorded.key)
        with path.open(newline="") as file:
            rows = [row for row in csv.DictReader(file, delimiter="\t") if row["eventType"] == "sz"]
        assert [float(row["onset"]) for row in rows] == [start for start, _ in events]


def test_what_the_tool_of_the_corpus_said_or_why_it_did_not_is_in_the_report(evaluated: Evaluated) -> None:
    assert evaluated.report.nedc is not None
    assert evaluated.report.nedc.status in (evaluated.request.out / "report.md").read_text()
