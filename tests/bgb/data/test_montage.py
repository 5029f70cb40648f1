from __future__ import annotations

import pytest

from bgb.data.montage import CHANNELS, match_channels
from bgb.errors import MontageError
from tests.bgb.data.edf_bytes import TUSZ_LABELS


def found(labels: list[str]) -> list[str | None]:
    return [None if index is None else labels[index] for index in match_channels(labels).indices]


def test_channels_are_found_whatever_their_order_and_company() -> None:
    labels = ["EDF Annotations", *reversed(TUSZ_LABELS), "IBI", "EEG A2-A1", "FP1-F7", "EEG CPZ-REF"]
    match = match_channels(labels)
    assert [labels[index] for index in match.present] == [f"EEG {name.upper()}-REF" for name in CHANNELS]
    assert match.missing == ()


@pytest.mark.parametrize("pattern", ["EEG {}-REF", "EEG {}-LE", "EEG {}-AR", "EEG {}-AVG", "EEG {}", "{}", " {}-Ref "])
@pytest.mark.parametrize("case", [str, str.upper, str.lower])
def test_the_spellings_of_other_corpora_are_recognised(pattern: str, case: type[str]) -> None:
    labels = [case(pattern.format(name)) for name in CHANNELS]
    assert found(labels) == labels


def test_the_new_names_of_temporal_electrodes_stand_for_the_old_ones() -> None:
    new = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
    labels = [f"EEG {new.get(name, name)}-REF" for name in CHANNELS]
    assert found(labels) == labels


@pytest.mark.parametrize("missing", [("Fz",), ("Pz",), ("Fz", "Pz")])
def test_fz_and_pz_may_be_missing(missing: tuple[str, ...]) -> None:
    match = match_channels([name for name in CHANNELS if name not in missing])
    assert match.missing == missing
    assert len(match.present) == 19 - len(missing)


def test_any_other_missing_channel_is_refused_with_what_was_found() -> None:
    with pytest.raises(MontageError, match=r"no signal for Cz, T6 among 'Fp1', 'F3'"):
        match_channels([name for name in CHANNELS if name not in ("Cz", "T6", "Pz")])


@pytest.mark.parametrize("second", ["EEG FP1-REF", "fp1", "EEG FP1-LE"])
def test_two_signals_for_one_channel_are_refused_with_both(second: str) -> None:
    with pytest.raises(
        MontageError, match=rf"Fp1 is claimed by signal 0 \('EEG FP1-REF'\) and signal 20 \('{second}'\)"
    ):
        match_channels([*TUSZ_LABELS, second])


def test_the_old_and_the_new_name_of_one_electrode_collide() -> None:
    with pytest.raises(MontageError, match="T3 is claimed by"):
        match_channels([*TUSZ_LABELS, "EEG T7-REF"])


def test_channels_against_different_references_are_refused() -> None:
    with pytest.raises(MontageError, match="different references: LE, REF"):
        match_channels(["EEG FP1-LE", *TUSZ_LABELS[1:]])
