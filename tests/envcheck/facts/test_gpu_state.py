"""An `nvidia-smi` made of a script, that answers as the real one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from envcheck.facts.gpu_state import GpuCard, GpuProcess, GpuState
from tests.envcheck.environments import Environment

A100 = "0, NVIDIA A100-SXM4-80GB, 81920, 4, Disabled, Enabled, 0, Default, 535.104.05, 0x0000000000000000"
T4 = "0, Tesla T4, 15360, 4, [N/A], Disabled, [N/A], Default, 535.104.05, 0x0000000000000001"


def look(environment: Environment, folder: Path, cards: str, processes: str, **variables: str) -> GpuState:
    """Each question takes the next line of its file; the last one stays."""
    folder.mkdir(exist_ok=True)
    (folder / "cards").write_text(cards)
    (folder / "processes").write_text(processes)
    program = folder / "nvidia-smi"
    program.write_text(
        f'#!/bin/sh\ncase "$1" in\n*compute-apps*) cat {folder}/processes; '
        f"[ -f {folder}/later ] && mv {folder}/later {folder}/processes; exit 0;;\n"
        f"*) cat {folder}/cards; "
        f"[ -f {folder}/cards.later ] && mv {folder}/cards.later {folder}/cards; exit 0;;\nesac\n"
    )
    program.chmod(0o755)
    return environment.observe(GpuState, variables={"PATH": f"{folder}:/usr/bin:/bin", **variables}, retry_seconds=0.0)


def test_a_card_is_read(environment: Environment, tmp_path: Path) -> None:
    seen = look(environment, tmp_path / "bin", A100 + "\n", "")
    assert seen.cards == (
        GpuCard(
            index=0,
            name="NVIDIA A100-SXM4-80GB",
            memory_mib=81920,
            used_mib=4,
            mig=False,
            ecc=True,
            uncorrected_errors=0,
            compute_mode="Default",
            driver="535.104.05",
            throttle="0x0000000000000000",
        ),
    )
    assert (seen.processes, seen.problem) == ((), None)


def test_what_a_card_does_not_tell_is_not_taken_for_good(environment: Environment, tmp_path: Path) -> None:
    (card,) = look(environment, tmp_path / "bin", T4 + "\n", "").cards
    assert (card.mig, card.ecc, card.uncorrected_errors) == (None, False, None)


def test_a_process_is_named_without_its_folder_and_arguments(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "later").write_text("77, /home/someone/bin/python3 train.py, 30000\n")
    seen = look(environment, tmp_path / "bin", A100, "77, /home/someone/bin/python3 train.py, 30000\n")
    assert seen.processes == (GpuProcess(pid=77, name="python3", memory_mib=30000),)


def test_a_process_that_is_gone_at_the_second_look_is_not_told(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "later").write_text("")
    seen = look(environment, tmp_path / "bin", A100, "77, python3, 30000\n")
    assert seen.processes == ()


def test_memory_that_is_free_at_the_second_look_is_not_told(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cards.later").write_text(A100 + "\n")
    seen = look(environment, tmp_path / "bin", A100.replace("81920, 4,", "81920, 30004,") + "\n", "")
    assert [card.used_mib for card in seen.cards] == [4]


def test_memory_that_stays_in_use_is_told_without_a_process(environment: Environment, tmp_path: Path) -> None:
    seen = look(environment, tmp_path / "bin", A100.replace("81920, 4,", "81920, 30004,") + "\n", "")
    assert ([card.used_mib for card in seen.cards], seen.processes) == ([30004], ())


def test_a_slice_that_does_not_tell_its_memory_in_use_is_still_seen_to_be_one(
    environment: Environment, tmp_path: Path
) -> None:
    sliced = A100.replace("81920, 4, Disabled", "81920, [N/A], Enabled")
    (card,) = look(environment, tmp_path / "bin", sliced + "\n", "").cards
    assert (card.mig, card.used_mib) == (True, None)


@pytest.mark.parametrize("name", ["NVIDIA_TF32_OVERRIDE", "CUDA_LAUNCH_BLOCKING", "TRITON_INTERPRET", "TRITON_DEBUG"])
def test_variables_that_change_precision_or_speed_are_kept(environment: Environment, tmp_path: Path, name: str) -> None:
    assert look(environment, tmp_path / "bin", A100, "", **{name: "0"}).switches[name] == "0"


@pytest.mark.parametrize(
    "said",
    [
        "junk",
        "0, a card, many, 4, x, x, 0, Default, 1, 0x0",
        A100.replace("Enabled, 0,", "Enabled, [GPU requires reset],"),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_problem(environment: Environment, tmp_path: Path, said: str) -> None:
    assert (look(environment, tmp_path / "bin", said, "").problem or "").startswith("nvidia-smi: ValueError")


def test_without_the_program_there_is_no_answer(environment: Environment, tmp_path: Path) -> None:
    seen = environment.observe(GpuState, variables={"PATH": str(tmp_path)})
    assert seen.problem == "nvidia-smi is not on PATH"
