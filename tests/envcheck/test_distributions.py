from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envcheck.distributions import (
    RecordRow,
    find_distributions,
    normalized,
    read_record,
    search_path,
    site_directories,
)


def lay_out(root: Path, info: str, **files: str) -> Path:
    (root / info).mkdir(parents=True)
    for name, text in files.items():
        (root / info / name).write_text(text)
    return root / info


@pytest.mark.parametrize("spelling", ["Ruamel.Yaml", "ruamel_yaml", "ruamel-yaml", "RUAMEL._-YAML"])
def test_every_spelling_of_a_name_is_one_name(spelling: str) -> None:
    assert normalized(spelling) == "ruamel-yaml"


def test_headers_end_where_the_description_begins_and_folded_lines_are_no_headers(tmp_path: Path) -> None:
    metadata = "Metadata-Version: 2.1\nSummary: a\n  Version: 9\nName: Some_Thing\nVersion: 1.0\n\nVersion: 8\n"
    lay_out(tmp_path, "some_thing-1.0.dist-info", METADATA=metadata)
    (found,) = find_distributions([tmp_path])
    assert (found.name, found.version, found.root) == ("some-thing", "1.0", tmp_path)


def test_a_description_is_never_taken_for_headers(tmp_path: Path) -> None:
    lay_out(tmp_path, "a-1.dist-info", METADATA="Name: a\n\nVersion: 9\n")
    (found,) = find_distributions([tmp_path])
    assert found.version is None


def test_a_folder_without_metadata_is_named_after_itself(tmp_path: Path) -> None:
    lay_out(tmp_path, "mamba_ssm-2.2.2.dist-info")
    (found,) = find_distributions([tmp_path])
    assert (found.name, found.version) == ("mamba-ssm", None)


def test_what_pip_left_half_removed_is_no_distribution(tmp_path: Path) -> None:
    lay_out(tmp_path, "~orch-2.2.2.dist-info", METADATA="Name: torch\nVersion: 2.2.2\n\n")
    assert find_distributions([tmp_path]) == ()


def test_a_place_that_cannot_be_listed_holds_nothing(tmp_path: Path) -> None:
    assert find_distributions([tmp_path / "absent"]) == ()


def test_a_record_is_read_row_by_row_and_odd_rows_claim_less(tmp_path: Path) -> None:
    rows = '"a,b.py",sha256=abc,12\nRECORD,,\nc.py,md5=abc,many\nd.py\n\n'
    lay_out(tmp_path, "a-1.dist-info", METADATA="Name: a\nVersion: 1\n\n", RECORD=rows)
    (found,) = find_distributions([tmp_path])
    assert read_record(found) == (
        RecordRow(path="a,b.py", sha256="abc", size=12),
        RecordRow(path="RECORD", sha256=None, size=None),
        RecordRow(path="c.py", sha256=None, size=None),
        RecordRow(path="d.py", sha256=None, size=None),
    )


def test_one_directory_under_two_names_is_searched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib64").symlink_to("lib")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "lib"), str(tmp_path / "lib64"), str(tmp_path / "python.zip")])
    assert search_path() == (tmp_path / "lib",)


def test_packages_are_installed_below_the_prefix() -> None:
    assert any(place.is_relative_to(Path(sys.prefix).resolve()) for place in site_directories())


def test_bytecode_that_a_wheel_lists_with_a_hash_is_not_held_to_it(tmp_path: Path) -> None:
    """numpy 1.26.4 ships one such file, and every installer that compiles bytecode writes another in its place."""
    info = tmp_path / "numpy-1.26.4.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("numpy/__pycache__/a.cpython-311.pyc,sha256=abc,14202\n", encoding="utf-8")
    (found,) = find_distributions([tmp_path])
    assert read_record(found) == (RecordRow(path="numpy/__pycache__/a.cpython-311.pyc", sha256=None, size=None),)
