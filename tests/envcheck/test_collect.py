from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from envcheck.collect import collect, observe_one
from envcheck.core import Entry, Facts, Request, Unseen
from envcheck.observe import FRAME
from envcheck.runners import Completed
from tests.envcheck import toy_facts as toy
from tests.envcheck.processes import is_gone

MISBEHAVING = (
    toy.Crash,
    toy.CrashWhenLeaving,
    toy.Daemon,
    toy.Greeting,
    toy.Impostor,
    toy.Leaves,
    toy.Noise,
    toy.NotANumber,
    toy.OddName,
    toy.Raises,
    toy.TooMuch,
    toy.Weather,
    toy.WrongShape,
)


@pytest.fixture(scope="module")
def facts() -> Facts:
    """Everything that misbehaves, observed at once; a greeting gets no name."""
    return collect([Request(fact=fact) for fact in MISBEHAVING])


def reason_of(entry: Entry) -> str:
    assert isinstance(entry.value, Unseen), entry.value
    return entry.value.reason


def test_facts_come_back_typed_with_when_how_long_and_for_how_long(facts: Facts) -> None:
    assert facts[toy.Weather] == toy.Weather(celsius=21.5, rain=False)
    entry = facts["weather"]
    assert entry.seconds > 0
    assert entry.ttl_seconds == 600.0
    assert abs((datetime.now(UTC) - datetime.fromisoformat(entry.observed_at)).total_seconds()) < 60


def test_what_must_be_alone_is_looked_at_after_the_others_the_quickest_first() -> None:
    """With as many workers as facts, so that nothing but the order keeps them apart."""
    running: list[str] = []
    beside: dict[str, tuple[str, ...]] = {}
    lock = threading.Lock()

    def run(argv: Sequence[str], given: bytes, timeout_seconds: float) -> Completed:
        name = argv[-1].rpartition(":")[2]
        with lock:
            running.append(name)
        time.sleep(0.1)
        with lock:
            beside[name] = tuple(other for other in running if other != name)
            running.remove(name)
        return Completed(returncode=0, stdout=b"", stderr=b"", seconds=0.1)

    collect([Request(fact=fact) for fact in (toy.SlowAlone, toy.Weather, toy.Alone, toy.Sea)], runner=run, workers=4)
    assert list(beside)[2:] == ["Alone", "SlowAlone"]
    assert (beside["Alone"], beside["SlowAlone"]) == ((), ())
    assert beside["Weather"] or beside["Sea"]  # the others did run side by side


def test_parameters_reach_the_fact() -> None:
    facts = collect([Request(fact=toy.Greeting, parameters={"name": "Ana", "times": 2})])
    assert facts[toy.Greeting].text == "hello Anahello Ana"


def test_missing_parameters_are_a_reason(facts: Facts) -> None:
    assert "name" in reason_of(facts["greeting"])


def test_a_segfault_is_named_with_its_last_words(facts: Facts) -> None:
    assert reason_of(facts["crash"]) == "killed by SIGSEGV; its last words: about to touch the kernel"


def test_an_answer_counts_even_when_the_child_crashes_while_leaving(facts: Facts) -> None:
    assert facts["crash_when_leaving"].value == {"number": 1}


def test_a_hang_ends_at_the_facts_own_limit_with_everything_it_started(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    entry = observe_one(Request(fact=toy.Hang, parameters={"marker": str(marker)}))
    assert reason_of(entry) == "no answer within 1 s"
    assert is_gone(int(marker.read_text()))


def test_a_daemon_that_keeps_the_pipes_open_does_not_hide_the_answer(facts: Facts) -> None:
    assert facts["daemon"].value == {"number": 1}


def test_noise_from_python_from_c_and_from_children_never_reaches_the_answer(facts: Facts) -> None:
    assert facts["noise"].value == {"number": 1}


def test_leaving_without_an_answer_is_a_reason_without_the_home_folder(facts: Facts) -> None:
    reason = reason_of(facts["leaves"])
    assert reason == "exited with status 3 without an answer; its last words: cannot find ~/models"


def test_an_exception_is_its_type_and_message_in_one_line_without_the_home_folder(facts: Facts) -> None:
    assert reason_of(facts["raises"]) == "ValueError: no such thing in ~/models and more"


def test_too_much_is_refused(facts: Facts) -> None:
    assert "it must summarise" in reason_of(facts["too_much"])


def test_a_value_that_json_cannot_hold_is_refused(facts: Facts) -> None:
    assert reason_of(facts["not_a_number"]).startswith("ValueError")


def test_a_fact_that_returns_another_fact_is_refused(facts: Facts) -> None:
    assert reason_of(facts["impostor"]) == "TypeError: observe() of Impostor returned Weather"


def test_a_fact_that_breaks_its_own_schema_is_refused(facts: Facts) -> None:
    assert "wrong_shape.number" in reason_of(facts["wrong_shape"])


def test_a_file_name_that_is_not_utf8_travels_and_can_be_digested(facts: Facts) -> None:
    assert os.fsencode(facts[toy.OddName].name) == b"caf\xe9"
    assert len(facts.digest()) == 64


def test_every_fact_is_there_whatever_the_others_do(facts: Facts) -> None:
    assert set(facts) == {fact.key for fact in MISBEHAVING}


def test_progress_says_what_was_seen_and_what_was_not() -> None:
    said: list[str] = []
    collect([Request(fact=toy.Weather), Request(fact=toy.Raises)], progress=said.append, workers=1)
    assert [line.partition(" (")[0] for line in said] == [
        "weather: seen",
        "raises: not seen: ValueError: no such thing in ~/models and more",
    ]


def test_nothing_asked_gives_no_facts() -> None:
    assert collect([]) == Facts({})


def answer_of(completed: Completed) -> object:
    def runner(argv: Sequence[str], input: bytes, timeout_seconds: float) -> Completed:
        return completed

    return observe_one(Request(fact=toy.Weather), runner).value


def completed_with(stdout: bytes, *, returncode: int = 0, stderr: bytes = b"") -> Completed:
    return Completed(returncode=returncode, stdout=stdout, stderr=stderr, seconds=0.1)


def test_an_answer_cut_short_is_told_from_a_whole_one() -> None:
    value = answer_of(completed_with(FRAME + b"100\n" + b'{"schema"', returncode=-9))
    assert value == Unseen(reason="the answer was cut short after 9 of 100 bytes: killed by SIGKILL")


def test_noise_before_the_answer_is_no_part_of_it() -> None:
    text = b'{"schema": 1, "value": {"celsius": 1.0, "rain": true}}'
    value = answer_of(completed_with(b"Welcome!\n" + FRAME + str(len(text)).encode() + b"\n" + text + b"\nbye"))
    assert value == {"celsius": 1.0, "rain": True}


@pytest.mark.parametrize("stdout", [b"", b"Welcome!", FRAME, FRAME + b"many\n{}"])
def test_output_without_an_answer_is_no_answer(stdout: bytes) -> None:
    assert answer_of(completed_with(stdout)) == Unseen(reason="exited with status 0 without an answer")


@pytest.mark.parametrize(
    ("text", "reason"), [(b"{}", "makes no sense"), (b"[1]", "makes no sense"), (b"not json", "not JSON")]
)
def test_an_answer_of_another_kind_is_a_reason(text: bytes, reason: str) -> None:
    value = answer_of(completed_with(FRAME + str(len(text)).encode() + b"\n" + text))
    assert isinstance(value, Unseen)
    assert reason in value.reason


def test_an_unnamed_signal_is_its_number() -> None:
    assert answer_of(completed_with(b"", returncode=-40)) == Unseen(reason="killed by signal 40")


def test_last_words_are_one_short_printable_line() -> None:
    stderr = b"first\nwhy: \x1b[31m" + b"x" * 1000 + b"\n\n"
    value = answer_of(completed_with(b"", returncode=1, stderr=stderr))
    assert isinstance(value, Unseen)
    assert value.reason.isprintable()
    assert len(value.reason) < 400


def test_a_runner_that_cannot_start_is_a_reason() -> None:
    def runner(argv: Sequence[str], input: bytes, timeout_seconds: float) -> Completed:
        raise FileNotFoundError(2, "No such file or directory", "docker")

    value = observe_one(Request(fact=toy.Weather), runner).value
    assert isinstance(value, Unseen)
    assert value.reason.startswith("cannot be started: FileNotFoundError")
    assert "docker" in value.reason


def test_an_interrupt_ends_the_children_before_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "pid"
    monkeypatch.setattr(toy.Hang, "timeout_seconds", 50.0)
    requests = [Request(fact=toy.Hang, parameters={"marker": str(marker)}), Request(fact=toy.Weather)]

    def interrupt(line: str) -> None:
        while not (marker.exists() and marker.read_text()):
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(requests, progress=interrupt)
    assert is_gone(int(marker.read_text()))
