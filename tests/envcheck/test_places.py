from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

import pytest

from envcheck.places import in_environment, printable, shown, shown_url


def test_the_home_is_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/data/people/ana")
    assert shown("/data/people/ana/venv") == "~/venv"
    assert shown("/data/people/anabel/venv") == "/data/people/anabel/venv"
    assert shown("/home/someone-else/venv") == "~/venv"


def test_the_users_name_is_hidden_where_it_is_a_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = pwd.struct_passwd(("ana", "x", 1000, 1000, "", "/nowhere", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: entry)
    assert shown("/scratch/ana/venv/banana") == "/scratch/~user/venv/banana"


def test_an_id_without_a_name_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert shown("/scratch/venv") == "/scratch/venv"


def test_what_lies_in_the_environment_is_relative_to_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert in_environment(tmp_path / "lib" / "a.py") == "lib/a.py"
    assert in_environment(f"{tmp_path}-other/a.py") == f"{tmp_path}-other/a.py"


def test_a_url_loses_user_password_query_and_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/data/ana")
    assert shown_url("https://ana:secret@example.org/simple/?token=1") == "https://example.org/simple/"
    assert shown_url("file:///data/ana/src") == "file://~/src"


def test_a_name_that_is_not_text_can_be_written() -> None:
    assert printable(os.fsdecode(b"caf\xe9")) == "caf\\udce9"
