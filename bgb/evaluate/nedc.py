"""Scores by the official tool of the corpus, `nedc_eeg_eval` (6.0), where it is installed.

It is not ours to distribute, and there is no TAES of our own: what is called TAES here comes from that tool.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bgb.data.annotations import Annotations, write_csv_bi
from bgb.data.manifest import ManifestRow
from envcheck.storage import write_text

TOOL = "nedc_eeg_eval"
COMMAND = (TOOL, "-o", "output", "ref.list", "hyp.list")
LIMIT_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class NedcMethod:
    """What one of the tool's methods says of seizures."""

    sensitivity: float
    false_alarms_per_24h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NedcScores:
    """What the tool said, or why it did not."""

    status: str
    methods: dict[str, NedcMethod]
    """By the tool's own name of the method: DP ALIGNMENT, EPOCH, OVERLAP, TAES."""


def write_lists(out: Path, rows: Sequence[ManifestRow]) -> None:
    """`nedc/` below `out`: labels as CSV_BI, and the lists of them and of `out`'s predictions, relative to itself."""
    folder = out / "nedc"
    for row in rows:
        path = folder / "ref" / f"{row.key}.csv_bi"
        path.parent.mkdir(parents=True, exist_ok=True)
        labels = Annotations(duration_seconds=row.samples / row.sample_rate_hz, seizures=row.seizures)
        write_csv_bi(path, labels, stem=PurePosixPath(row.key).name)
    for name, place in (("ref", "ref"), ("hyp", "../predictions")):
        write_text(folder / f"{name}.list", "".join(f"{place}/{row.key}.csv_bi\n" for row in rows))


def run_tool(out: Path) -> NedcScores:
    """Score what `write_lists` wrote; never raises, since our own scores do not depend on it."""
    folder = out / "nedc"
    by_hand = f"cd {folder.name} && {' '.join(COMMAND)}"
    tool = shutil.which(TOOL)
    if tool is None:
        return NedcScores(status=f"{TOOL} is not installed here; where it is: {by_hand}", methods={})
    summary = folder / "output" / "summary.txt"
    summary.unlink(missing_ok=True)
    try:
        ended = subprocess.run(
            [tool, *COMMAND[1:]], cwd=folder, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return NedcScores(status=f"{TOOL} did not run to its end: {error}", methods={})
    methods = parse_summary(summary.read_text(encoding="utf-8")) if summary.is_file() else {}
    if ended.returncode or not methods:
        said = (ended.stderr or ended.stdout).strip().splitlines()[-1:] or ["nothing"]
        return NedcScores(status=f"{TOOL} ended with {ended.returncode} and said: {said[0]}", methods={})
    return NedcScores(status=f"{TOOL} ran; all that it said is in nedc/output", methods=methods)


def parse_summary(text: str) -> dict[str, NedcMethod]:
    """Sensitivity and false alarms of the label SEIZ, by method; agreement (IRA) has neither."""
    methods = {}
    for section in re.split(r"^=+$", text, flags=re.MULTILINE):
        name = re.search(r"^NEDC (.+) SCORING SUMMARY", section, flags=re.MULTILINE)
        seizure = section.partition("LABEL: SEIZ")[2].partition("LABEL:")[0]
        found = re.search(r"Sensitivity \(TPR, Recall\):\s*([\d.]+)%", seizure)
        alarms = re.search(r"False Alarm Rate:\s*([\d.]+) per 24 hours", seizure)
        if name and found and alarms:
            methods[name[1]] = NedcMethod(sensitivity=float(found[1]) / 100, false_alarms_per_24h=float(alarms[1]))
    return methods
