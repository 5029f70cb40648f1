"""JSON files: written whole or not at all, and read with one clear message for whatever is wrong with them."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from envcheck.core import Json
from envcheck.errors import FileUnusable


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step, so that a reader or a crash never meets half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise FileUnusable(f"{path}: cannot be written: {error.strerror}; choose a folder you can write to") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as error:
        raise FileUnusable(f"{path}: cannot be written: {error.strerror}; choose a folder you can write to") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


def write_json(path: Path, value: Json) -> None:
    """Write `value` as indented JSON, in one step.

    A lone surrogate (a file name that is not UTF-8) is written by `backslashreplace` as the JSON escape that reads
    back as itself.
    """
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Mapping[str, Json]:
    """The JSON object in a file; `FileUnusable` says in one line what is there instead."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileUnusable(f"{path}: no such file") from None
    except IsADirectoryError:
        raise FileUnusable(f"{path}: expected a JSON file, found a folder") from None
    except OSError as error:
        raise FileUnusable(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileUnusable(f"{path}: expected JSON in UTF-8, found other bytes at offset {error.start}") from error
    return _parse(path, text)


def _parse(path: Path, text: str) -> Mapping[str, Json]:
    if not text.strip():
        raise FileUnusable(f"{path}: expected a JSON object, found an empty file")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FileUnusable(f"{path}: not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise FileUnusable(f"{path}: expected a JSON object, found {_kind(value)}")
    return value


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not a JSON number")


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")
