"""The demo corpus: a small TUSZ v2 tree of made-up EEG, for whoever has no licence to the real one.

SYNTHETIC. No person was recorded. It is good for showing that the machinery works from end to end, on files with the
layout, formats, rates, labels and oddities of TUSZ, and that a network learns what is there to learn. A score on it
says nothing about patients: formulas (`simulated_eeg.py`) are easier than people. The same seed gives the same bytes.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bgb.data.annotations import Annotations, ChannelEvent, write_csv, write_csv_bi
from bgb.data.montage import CHANNELS
from bgb.data.recording import Interval
from bgb.data.simulated_eeg import (
    SeizureKind,
    SimulatedSeizure,
    Traits,
    draw_traits,
    involved,
    simulate_ecg,
    simulate_eeg,
)
from bgb.errors import DataError
from bgb.splits import Split

_NOTICE = (
    "SYNTHETIC EEG made by `bgb demo corpus`. No person was recorded. A score on it says nothing about patients.\n"
)
_NOTICE_NAME = "SYNTHETIC.txt"

_TUSZ_ORDER = (
    *("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"),
    *("F7", "F8", "T3", "T4", "T5", "T6", "Fz", "Cz", "Pz"),
)

_DERIVATIONS = (
    *("FP1-F7", "F7-T3", "T3-T5", "T5-O1", "FP2-F8", "F8-T4", "T4-T6", "T6-O2"),
    *("T3-C3", "C3-CZ", "CZ-C4", "C4-T4"),
    *("FP1-F3", "F3-C3", "C3-P3", "P3-O1", "FP2-F4", "F4-C4", "C4-P4", "P4-O2"),
)
_EAR_DERIVATIONS = ("A1-T3", "T4-A2")
"""Not in 03_tcp_ar_a, which has no ear electrodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCorpus:
    """What was written."""

    patients: int
    recordings: int
    seizures: int
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """One recording, before there is a signal."""

    stem: str
    session: str
    montage: str
    rate_hz: int
    seconds: int
    seizures: tuple[SimulatedSeizure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """Someone with three recordings, the first two of them with seizures of one kind; without seizures with two."""

    name: str
    split: Split
    rate_hz: int
    montage: str
    kind: SeizureKind | None


_PEOPLE = (
    _Person(name="aaaaaaaa", split="train", rate_hz=250, montage="01_tcp_ar", kind="fnsz"),
    _Person(name="aaaaaaab", split="train", rate_hz=256, montage="02_tcp_le", kind="gnsz"),
    _Person(name="aaaaaaac", split="train", rate_hz=400, montage="01_tcp_ar", kind="cpsz"),
    _Person(name="aaaaaaad", split="train", rate_hz=250, montage="01_tcp_ar", kind=None),
    _Person(name="aaaaaaae", split="train", rate_hz=250, montage="01_tcp_ar", kind="tcsz"),
    _Person(name="aaaaaaaf", split="train", rate_hz=256, montage="01_tcp_ar", kind=None),
    _Person(name="aaaaaaag", split="train", rate_hz=250, montage="02_tcp_le", kind="cpsz"),
    _Person(name="aaaaaaah", split="train", rate_hz=400, montage="03_tcp_ar_a", kind="gnsz"),
    _Person(name="aaaaaaai", split="train", rate_hz=250, montage="01_tcp_ar", kind="fnsz"),
    _Person(name="aaaaaaaj", split="train", rate_hz=250, montage="01_tcp_ar", kind=None),
    _Person(name="aaaaaaak", split="train", rate_hz=256, montage="01_tcp_ar", kind="tcsz"),
    _Person(name="aaaaaaal", split="train", rate_hz=250, montage="02_tcp_le", kind="fnsz"),
    _Person(name="aaaaaaam", split="train", rate_hz=250, montage="01_tcp_ar", kind="cpsz"),
    _Person(name="aaaaaaan", split="train", rate_hz=250, montage="03_tcp_ar_a", kind="gnsz"),
    _Person(name="aaaaaaao", split="dev", rate_hz=250, montage="01_tcp_ar", kind="cpsz"),
    _Person(name="aaaaaaap", split="dev", rate_hz=256, montage="02_tcp_le", kind="fnsz"),
    _Person(name="aaaaaaaq", split="dev", rate_hz=400, montage="01_tcp_ar", kind="gnsz"),
    _Person(name="aaaaaaar", split="dev", rate_hz=250, montage="03_tcp_ar_a", kind=None),
    _Person(name="aaaaaaas", split="eval", rate_hz=250, montage="01_tcp_ar", kind="tcsz"),
    _Person(name="aaaaaaat", split="eval", rate_hz=256, montage="02_tcp_le", kind="cpsz"),
    _Person(name="aaaaaaau", split="eval", rate_hz=400, montage="01_tcp_ar", kind="fnsz"),
    _Person(name="aaaaaaav", split="eval", rate_hz=250, montage="01_tcp_ar", kind=None),
)

PATIENTS: tuple[str, ...] = tuple(person.name for person in _PEOPLE)

_WITHOUT_PZ = "aaaaaaab_s001_t001"
_COLON_DATE = "aaaaaaaj_s001_t000"
_SHORTER_THAN_A_WINDOW = "aaaaaaaf_s001_t001"
_SAME_STEM_TWICE = "aaaaaaad"
"""This person's two recordings share a stem and differ in their montage folder, as some of TUSZ do."""

_SEIZURES: dict[SeizureKind, tuple[int, float, float]] = {
    "fnsz": (2, 22, 50),
    "cpsz": (1, 78, 110),
    "gnsz": (3, 9, 22),
    "tcsz": (1, 72, 95),
}
"""How many in a recording and how many seconds, from and to. Short ones give windows of 60 s that are partly seizure,
long ones also windows that are nothing else."""


def write_demo_corpus(
    root: Path,
    *,
    seed: int = 0,
    patients: Sequence[str] = PATIENTS,
    progress: Callable[[str], None] | None = None,
) -> DemoCorpus:
    """Write the demo corpus to `root/edf`: three hours of EEG in 120 MB; fewer `patients` make a smaller one.

    A file that already has the right bytes is left alone, so that a cache made from it stays fresh. Raises `DataError`
    when `root` holds anything that this function did not write: made-up patients must never mix with real ones.
    """
    unknown = sorted(set(patients) - set(PATIENTS))
    if unknown:
        raise DataError(f"no such demo patient: {', '.join(unknown)}; known: {', '.join(PATIENTS)}")
    _claim(root)
    people = [person for person in _PEOPLE if person.name in patients]
    jobs = [(person, index) for person in people for index in range(3 if person.kind else 2)]
    # Threads help: numpy draws and transforms outside the interpreter lock.
    with ThreadPoolExecutor(max_workers=4) as pool:
        made = []
        for recording in pool.map(lambda job: _write_recording(root, seed, *job), jobs):
            made.append(recording)
            if progress:
                progress(f"{recording.stem}: {recording.seconds} s, {len(recording.seizures)} seizures")
    return DemoCorpus(
        patients=len(people),
        recordings=len(made),
        seizures=sum(len(recording.seizures) for recording in made),
        hours=sum(recording.seconds for recording in made) / 3600,
    )


def _claim(root: Path) -> None:
    notice = root / _NOTICE_NAME
    if root.exists() and not root.is_dir():
        raise DataError(f"{root}: is a file; name a directory for the demo corpus")
    if root.is_dir() and any(root.iterdir()) and not notice.is_file():
        raise DataError(
            f"{root}: holds files but no {_NOTICE_NAME}, so it is not a demo corpus; name an empty directory"
        )
    root.mkdir(parents=True, exist_ok=True)
    notice.write_text(_NOTICE, encoding="utf-8")


def _write_recording(root: Path, seed: int, person: _Person, index: int) -> _Plan:
    """All that is random follows from the seed, the person and the recording's number, whatever the threads do."""
    number = _PEOPLE.index(person)
    traits = draw_traits(np.random.default_rng([seed, number]), epileptic=person.kind is not None)
    rng = np.random.default_rng([seed, number, index])
    plan = _draw_plan(rng, person, traits, index)
    folder = root / "edf" / person.split / person.name / plan.session / plan.montage
    folder.mkdir(parents=True, exist_ok=True)
    edf = folder / f"{plan.stem}.edf"
    eeg_uv = simulate_eeg(rng, traits, plan.seizures, plan.seconds, person.rate_hz)
    content = _edf_bytes(plan, eeg_uv, simulate_ecg(rng, plan.seconds, person.rate_hz))
    if not edf.is_file() or edf.read_bytes() != content:
        edf.write_bytes(content)
    truth = Annotations(duration_seconds=plan.seconds, seizures=tuple(seizure.interval for seizure in plan.seizures))
    write_csv_bi(edf.with_suffix(".csv_bi"), truth, stem=plan.stem)
    write_csv(edf.with_suffix(".csv"), _channel_events(plan), duration_seconds=plan.seconds, stem=plan.stem)
    return plan


def _draw_plan(rng: Generator, person: _Person, traits: Traits, index: int) -> _Plan:
    twice = person.name == _SAME_STEM_TWICE
    session, token = ("s001_2009", index) if index < 2 else ("s002_2011", index - 2)
    stem = f"{person.name}_{session[:4]}_t{0 if twice else token:03d}"
    seizures: tuple[SimulatedSeizure, ...] = ()
    seconds = 45 if stem == _SHORTER_THAN_A_WINDOW else int(rng.integers(150, 250))
    if person.kind and index < 2:
        seizures, seconds = _draw_seizures(rng, person.kind, traits.focus)
    return _Plan(
        stem=stem,
        session=session,
        montage="03_tcp_ar_a" if twice and index == 1 else person.montage,
        rate_hz=person.rate_hz,
        seconds=seconds,
        seizures=seizures,
    )


def _draw_seizures(rng: Generator, kind: SeizureKind, focus: str) -> tuple[tuple[SimulatedSeizure, ...], int]:
    """The seizures of a recording, with pauses around each, and how many seconds that takes."""
    count, shortest, longest = _SEIZURES[kind]
    seizures: list[SimulatedSeizure] = []
    now = rng.uniform(15, 45)
    for length in rng.uniform(shortest, longest, count):
        interval = Interval(start_seconds=round(now, 4), stop_seconds=round(now + length, 4))
        seizures.append(SimulatedSeizure(interval=interval, kind=kind, focus="Fz" if kind == "gnsz" else focus))
        now += length + rng.uniform(15, 45)
    return tuple(seizures), math.ceil(now)


def _channel_events(plan: _Plan) -> Iterator[ChannelEvent]:
    """For each derivation the time of each seizure in it, which starts when the seizure arrives there, and the rest."""
    derivations = _DERIVATIONS if plan.montage == "03_tcp_ar_a" else _DERIVATIONS + _EAR_DERIVATIONS
    arrivals = [
        (seizure, {name.upper(): late for name, late in involved(seizure).items()}) for seizure in plan.seizures
    ]
    for derivation in derivations:
        end = 0.0
        for seizure, late in arrivals:
            reached = [late[name] for name in derivation.split("-") if name in late]
            if reached:
                start, stop = seizure.interval.start_seconds + min(reached), seizure.interval.stop_seconds
                yield _event(derivation, "bckg", end, start)
                yield _event(derivation, seizure.kind, start, stop)
                end = stop
        yield _event(derivation, "bckg", end, plan.seconds)


def _event(channel: str, label: str, start: float, stop: float) -> ChannelEvent:
    interval = Interval(start_seconds=start, stop_seconds=stop)
    return ChannelEvent(channel=channel, interval=interval, label=label, confidence=1.0)


def _edf_bytes(plan: _Plan, eeg_uv: NDArray[np.float64], ecg_uv: NDArray[np.float64]) -> bytes:
    """EEG and EKG at 0.1 uV a step, and the channels at one sample a second that TUSZ files carry along."""
    import edfio

    reference = "LE" if plan.montage == "02_tcp_le" else "REF"
    signals = [
        _digitise(eeg_uv[CHANNELS.index(name)], plan.rate_hz, f"EEG {name.upper()}-{reference}")
        for name in _TUSZ_ORDER
        if not (name == "Pz" and plan.stem == _WITHOUT_PZ)
    ]
    signals.append(_digitise(ecg_uv, plan.rate_hz, f"EEG EKG1-{reference}"))
    signals += [_digitise(np.zeros(plan.seconds), 1, label) for label in ("IBI", "BURSTS", "SUPPR")]
    edf = edfio.Edf(
        signals,
        patient=edfio.Patient(code=plan.stem[:8]),
        recording=edfio.Recording(startdate=datetime.date(int(plan.session[-4:]), 1, 1)),
        starttime=datetime.time(10, 30),
        data_record_duration=1,
    )
    content: bytes = edf.to_bytes()
    if plan.stem == _COLON_DATE:
        content = content[:168] + content[168:176].replace(b".", b":") + content[176:]
    return content


def _digitise(signal_uv: NDArray[np.float64], rate_hz: int, label: str) -> Any:
    """An edfio signal."""
    import edfio

    digital = np.clip(np.rint(signal_uv * 10), -32768, 32767).astype(np.int16)
    return edfio.EdfSignal.from_digital(
        digital, rate_hz, label=label, physical_dimension="uV", physical_range=(-3276.8, 3276.7)
    )
