from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from envcheck.runners import kill_running, run_local
from tests.envcheck.processes import is_gone


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_a_process_gets_its_input_and_gives_output_status_and_duration() -> None:
    done = run_local(python("import sys; print(sys.stdin.read()); print('e', file=sys.stderr); sys.exit(3)"), b"hi", 30)
    assert (done.stdout, done.stderr, done.returncode, done.timed_out) == (b"hi\n", b"e\n", 3, False)
    assert done.seconds > 0


def test_a_process_that_ignores_its_input_is_no_error() -> None:
    assert run_local(["true"], b"x" * 1_000_000, 30).returncode == 0


def test_a_signal_is_a_negative_status() -> None:
    done = run_local(python("import os, signal; os.kill(os.getpid(), signal.SIGTERM)"), b"", 30)
    assert done.returncode == -signal.SIGTERM


def test_a_process_past_its_limit_is_killed_with_what_it_had_said() -> None:
    done = run_local(python("import time; print('so far', flush=True); time.sleep(60)"), b"", 1.0)
    assert (done.timed_out, done.stdout, done.returncode) == (True, b"so far\n", -signal.SIGKILL)


def test_what_a_process_leaves_behind_in_its_group_ends_with_it() -> None:
    done = run_local(["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"], b"", 30)
    assert is_gone(int(done.stdout))


def test_a_process_runs_in_a_session_of_its_own() -> None:
    done = run_local(python("import os; print(os.getsid(0))"), b"", 30)
    assert int(done.stdout) != os.getsid(0)


def test_what_cannot_be_started_raises() -> None:
    with pytest.raises(FileNotFoundError):
        run_local(["/no/such/program"], b"", 1)


def test_everything_that_runs_can_be_ended_at_once() -> None:
    returncodes: list[int] = []
    threads = [
        threading.Thread(target=lambda: returncodes.append(run_local(["sleep", "60"], b"", 60).returncode))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        kill_running()
        time.sleep(0.01)
    assert returncodes == [-signal.SIGKILL] * 2
