"""What the scores of an evaluation do not say, in sentences that stand beside them."""

from __future__ import annotations

from collections.abc import Sequence

from bgb.config import RunConfig
from bgb.evaluate.metrics import Tally

SYNTHETIC_NOTICE = "SYNTHETIC.txt"
"""Lies at the root of a corpus that no person was recorded for; `bgb demo corpus` writes it."""


def find_caveats(config: RunConfig, patients: Sequence[Tally]) -> tuple[str, ...]:
    """Every caveat that holds for these scores."""
    whole = sum(patients, Tally.empty())
    return (
        *_of_corpus(config),
        *_of_thresholds(config, whole),
        *_of_classes(whole),
        *_of_intervals(patients),
        "Events are counted by SzCORE's rules: gaps under 90 s are closed, events over 5 min are cut, and an alarm "
        "from 30 s before to 60 s after a seizure is a hit. "
        f"Here {whole.open_seconds / whole.seconds:.0%} of the time lies outside of that, where an alarm can be false.",
    )


def _of_corpus(config: RunConfig) -> list[str]:
    root = config.paths.corpus
    notices = [folder / SYNTHETIC_NOTICE for folder in (root, root.parent) if (folder / SYNTHETIC_NOTICE).is_file()]
    caveats = [notices[0].read_text(encoding="utf-8").strip()] if notices else []
    if config.data.limit_files is not None:
        caveats.append(f"At most {config.data.limit_files} recordings of the split were scored (data.limit_files).")
    return caveats


def _of_thresholds(config: RunConfig, whole: Tally) -> list[str]:
    split = config.evaluate.split
    chosen = (
        "Sensitivity at a rate of false alarms is that of the best threshold on dev itself, so it is the most that the "
        "checkpoint could give there; a threshold fixed beforehand gives less."
        if split == "dev"
        else "Thresholds were chosen on dev for a rate of false alarms there; the rate found here may lie above it."
    )
    return [
        chosen,
        f"One false alarm in the {whole.seconds / 3600:.2f} hours scored is {whole.per_24h(1):.1f} per 24 h: "
        "a limit below that allows none at all.",
    ]


def _of_classes(whole: Tally) -> list[str]:
    if not whole.seizures:
        return ["There is no seizure here: sensitivity, AUROC and average precision are not defined."]
    if not whole.has_both_classes:
        return ["Every sample here is seizure: AUROC and average precision are not defined."]
    return []


def _of_intervals(patients: Sequence[Tally]) -> list[str]:
    bearing = sum(tally.seizures > 0 for tally in patients)
    if bearing < 2:
        return [f"No intervals: {bearing} patients with seizures, and an interval over patients needs at least two."]
    return [
        f"Intervals draw the {len(patients)} patients anew, {bearing} of them with seizures: "
        "the fewer there are, the less an interval can know."
    ]
