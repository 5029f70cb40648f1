from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bgb.errors import ConfigError
from bgb.evaluate.looks import looking, looks_path

ONE, OTHER = "1" * 64, "2" * 64


def look(checkpoint: Path, sha256: str = ONE, *, again: bool = False) -> int:
    with looking(checkpoint, sha256, again=again) as count:
        return count()


def test_a_second_look_must_be_asked_for_and_is_counted(tmp_path: Path) -> None:
    checkpoint = tmp_path / "best.ckpt"
    assert look(checkpoint) == 1
    with pytest.raises(ConfigError, match=r"scored on eval once already.*--again"):
        look(checkpoint)
    assert look(checkpoint, again=True) == 2
    with pytest.raises(ConfigError, match="scored on eval 2 times already"):
        look(checkpoint)


def test_another_network_under_the_same_name_has_a_count_of_its_own(tmp_path: Path) -> None:
    assert look(tmp_path / "best.ckpt") == look(tmp_path / "best.ckpt", OTHER) == 1


def test_what_failed_before_it_scored_is_no_look(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), looking(tmp_path / "best.ckpt", ONE, again=False):
        raise ZeroDivisionError
    assert look(tmp_path / "best.ckpt") == 1


def test_a_line_that_was_cut_counts(tmp_path: Path) -> None:
    looks_path(tmp_path / "best.ckpt").write_bytes(b'{"sha256": "11')
    with pytest.raises(ConfigError, match="once already"):
        look(tmp_path / "best.ckpt")


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="looks at eval are counted beside the checkpoint"):
        look(tmp_path / "missing" / "best.ckpt")


HOLDER = """
import sys, time
from pathlib import Path
from bgb.evaluate.looks import looking
with looking(Path(sys.argv[1]), "1" * 64, again=False) as count:
    if sys.argv[2] == "counted":
        count()
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(("when", "looks"), [("begun", 0), ("counted", 1)])
def test_two_do_not_look_at_once_and_one_that_is_killed_holds_nothing(tmp_path: Path, when: str, looks: int) -> None:
    checkpoint = tmp_path / "best.ckpt"
    command = [sys.executable, "-c", HOLDER, str(checkpoint), when]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match="another process is scoring it"):
            look(checkpoint)
        holder.send_signal(signal.SIGKILL)
    assert look(checkpoint, again=True) == looks + 1
