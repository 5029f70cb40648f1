"""Events as BIDS has them, in the columns that SzCORE's tools read (epilepsy2bids)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from bgb.data.recording import Interval
from envcheck.storage import write_text

COLUMNS = ("onset", "duration", "eventType", "confidence", "channels", "dateTime", "recordingDuration")
UNKNOWN = "n/a"


def events_path(key: str) -> PurePosixPath:
    """Where BIDS has the events of recording `key`; its montage is the `acq`, since sessions share tokens across them.

    A key that is not TUSZ's `split/patient/session_year/montage/patient_session_token` keeps its folders.
    """
    parts = PurePosixPath(key).parts
    token = re.fullmatch(r"[a-z0-9]+_s(\d+)_t(\d+)", parts[-1])
    if len(parts) != 5 or token is None:
        return PurePosixPath(f"{key}_events.tsv")
    patient, montage = parts[1], re.sub(r"[^A-Za-z0-9]", "", parts[3])
    session, run = token[1], token[2]
    name = f"sub-{patient}_ses-{session}_task-szMonitoring_acq-{montage}_run-{run}_events.tsv"
    return PurePosixPath(f"sub-{patient}") / f"ses-{session}" / "eeg" / name


def write_events(path: Path, events: Sequence[Interval], seconds: float) -> None:
    """A row for each seizure; for none, one row of background. Times in seconds; when it was recorded is not told."""
    rows = [("sz", event.start_seconds, event.seconds) for event in events] or [("bckg", 0.0, seconds)]
    lines = [COLUMNS] + [
        (f"{onset:.4f}", f"{duration:.4f}", kind, UNKNOWN, UNKNOWN, UNKNOWN, f"{seconds:.4f}")
        for kind, onset, duration in rows
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join("\t".join(cells) + "\n" for cells in lines))
