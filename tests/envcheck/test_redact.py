from __future__ import annotations

import os
from pathlib import Path

import pytest

from envcheck.redact import redact


def test_the_home_folder_becomes_a_tilde() -> None:
    assert redact(f"{Path.home()}/.cache/x is full") == "~/.cache/x is full"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ana/data/a.edf", "~/data/a.edf"),
        ("in '/Users/bo/x': no", "in '~/x': no"),
        ("/root/.netrc", "~/.netrc"),
        ("/data/home/ana", "/data/home/ana"),
        ("/rooted/x", "/rooted/x"),
        ("https://ana:s3cret@example.org/simple", "https://[hidden]@example.org/simple"),
        ("hf_abcdefghijklmnopqrstuv was refused", "[hidden] was refused"),
        ("token=abc123, user=x", "token=[hidden], user=x"),
        ("WANDB_API_KEY: 0123456789abcdef", "WANDB_API_KEY: [hidden]"),
        ("tokenizers: 0.21 is missing", "tokenizers: 0.21 is missing"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_tells_on_somebody_is_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("home", ["/", "/srv/ana"])
def test_a_home_of_another_kind_is_hidden_and_the_root_is_none(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", home)
    assert redact("/srv/ana/x and /etc/x") == ("~/x and /etc/x" if home == "/srv/ana" else "/srv/ana/x and /etc/x")


def test_a_folder_that_only_begins_like_the_home_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv/ana")
    assert redact("/srv/anabel/x") == "/srv/anabel/x"


def test_a_user_without_a_home_has_none_to_hide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 987654321)
    assert redact("/srv/ana/x") == "/srv/ana/x"
