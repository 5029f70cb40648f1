from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envcheck.errors import FileUnusable
from envcheck.storage import read_json, write_json, write_text

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(value=values)
def test_what_is_written_is_read(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "a.json", {"value": value})  # type: ignore[dict-item]
    assert read_json(tmp_path / "a.json") == {"value": value}


def test_a_name_that_is_not_utf8_comes_back_as_it_was(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    write_json(tmp_path / "a.json", {"name": name})
    assert read_json(tmp_path / "a.json") == {"name": name}


def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "er" / "a.txt", "hello")
    assert [path.name for path in (tmp_path / "deep" / "er").iterdir()] == ["a.txt"]
    assert (tmp_path / "deep" / "er" / "a.txt").stat().st_mode & 0o777 == 0o644


def test_an_old_file_is_replaced_whole_and_a_failed_write_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError):
        write_json(path, {"a": float("nan")})
    assert read_json(path) == {"a": 1}
    write_json(path, {"a": 2})
    assert read_json(path) == {"a": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_place_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileUnusable, match=r"a\.json: cannot be written: .*choose a folder"):
        write_json(tmp_path / "file" / "a.json", {})


def test_a_folder_in_the_place_of_the_file_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(FileUnusable, match="cannot be written"):
        write_json(tmp_path / "a.json", {})
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file"),
        (b"  \n", "found an empty file"),
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b"\xff\xfe", "UTF-8, found other bytes at offset 0"),
        (b"[1]", "expected a JSON object, found a list"),
        (b'"a"', "expected a JSON object, found a string"),
        (b"3", "expected a JSON object, found a number"),
        (b"null", "expected a JSON object, found null"),
    ],
)
def test_what_is_no_json_object_is_said(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(FileUnusable, match=message):
        read_json(path)


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(FileUnusable, match=r"a\.json: no such file"):
        read_json(tmp_path / "a.json")
    with pytest.raises(FileUnusable, match="expected a JSON file, found a folder"):
        read_json(tmp_path)


def test_a_path_through_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileUnusable, match="cannot be read: Not a directory"):
        read_json(tmp_path / "file" / "a.json")


def test_json_is_written_for_people_too(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "é"})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "é" in text
    assert text.endswith("\n")
    assert json.loads(text) == {"name": "é"}
