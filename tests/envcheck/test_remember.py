"""A slow look counts again only while everything that decides it is unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from envcheck.core import Facts, Json, Request
from envcheck.remember import Memory, collect_remembering, fingerprint
from envcheck.runners import Completed, run_local
from tests.envcheck import toy_facts as toy

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class CountingRunner:
    """Runs observers here and remembers which facts were looked at."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, argv: Sequence[str], given: bytes, timeout_seconds: float) -> Completed:
        self.seen.append(argv[-1].rpartition(":")[2])
        return run_local(argv, given, timeout_seconds)


def requests(**parameters: Json) -> list[Request]:
    """The greeting is the slow look, and the weather is what fixes it."""
    parameters = {"name": "Ana", **parameters}
    return [Request(fact=toy.Weather), Request(fact=toy.Greeting, parameters=parameters, fixed_by=(toy.Weather,))]


def look(folder: Path, asked: Sequence[Request], *, now: datetime | None = None) -> tuple[list[str], Memory, Facts]:
    runner, memory = CountingRunner(), Memory(folder, now=now)
    facts = collect_remembering(asked, memory, runner=runner)
    return runner.seen, memory, facts


def test_what_was_seen_counts_again_and_says_its_age(tmp_path: Path) -> None:
    assert look(tmp_path, requests())[0] == ["Weather", "Greeting"]
    later = datetime.now(UTC) + timedelta(hours=3)
    seen, memory, facts = look(tmp_path, requests(), now=later)
    assert seen == ["Weather"]
    assert memory.recalled == ["greeting: looked at 3 h ago; unchanged since: weather"]
    assert facts[toy.Greeting].text == "hello Ana"


def test_other_parameters_are_another_look(tmp_path: Path) -> None:
    look(tmp_path, requests())
    assert look(tmp_path, requests(times=2))[0] == ["Weather", "Greeting"]


def test_a_change_of_what_fixes_it_is_another_look() -> None:
    request = requests()[1]
    dry, wet = (Facts.of(toy.Weather(celsius=20.0, rain=rain)) for rain in (False, True))
    assert fingerprint(request, dry) != fingerprint(request, wet)
    assert fingerprint(request, dry) == fingerprint(request, dry)


def test_nothing_is_kept_or_recalled_where_what_fixes_it_was_not_seen(tmp_path: Path) -> None:
    asked = [Request(fact=toy.Raises), Request(fact=toy.Weather, fixed_by=(toy.Raises,))]
    for _ in range(2):
        assert look(tmp_path, asked)[0] == ["Raises", "Weather"]
    assert not list(tmp_path.iterdir())


def test_what_could_not_be_seen_is_looked_at_again(tmp_path: Path) -> None:
    asked = [Request(fact=toy.Weather), Request(fact=toy.Raises, fixed_by=(toy.Weather,))]
    for _ in range(2):
        assert look(tmp_path, asked)[0] == ["Weather", "Raises"]


@pytest.mark.parametrize("age", [timedelta(seconds=700), timedelta(hours=-1)])
def test_a_look_past_its_time_to_live_or_from_the_future_does_not_count(tmp_path: Path, age: timedelta) -> None:
    asked = [
        Request(fact=toy.Greeting, parameters={"name": "Ana"}),
        Request(fact=toy.Weather, fixed_by=(toy.Greeting,)),
    ]
    look(tmp_path, asked)
    assert look(tmp_path, asked, now=datetime.now(UTC) + age)[0] == ["Greeting", "Weather"]


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\xfe", b'{"schema": 1, "unseen": "crashed"}', b'{"schema": 1}'])
def test_a_damaged_file_is_looked_past(tmp_path: Path, damage: bytes) -> None:
    look(tmp_path, requests())
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damage)
    seen, memory, facts = look(tmp_path, requests())
    assert (seen, memory.recalled) == (["Weather", "Greeting"], [])
    assert facts[toy.Greeting].text == "hello Ana"


def test_a_request_that_nothing_fixes_is_never_kept(tmp_path: Path) -> None:
    look(tmp_path, [Request(fact=toy.Weather)])
    assert not list(tmp_path.iterdir())
