from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envcheck.errors import FileUnusable
from envcheck.lockfile import Lock, Target, read_lock

HASH = "a" * 64
HERE = Target(python_version="3.11")
PROJECT_LOCK = Path(__file__).resolve().parents[2] / "constraints.txt"


def lock_of(folder: Path, text: str) -> Lock:
    path = folder / "constraints.txt"
    path.write_text(text)
    return read_lock(path)


def test_a_pin_has_a_name_a_version_its_hashes_and_its_line(tmp_path: Path) -> None:
    text = f"""# made by a tool
--index-url https://example.org/simple

Ruamel_Yaml==0.18.6 \\
    --hash=sha256:{HASH} \\
    --hash=sha512:{"b" * 128}
    # via something
"""
    (pin,) = lock_of(tmp_path, text).pins
    assert (pin.name, pin.version, pin.line) == ("ruamel-yaml", "0.18.6", 4)
    assert pin.hashes == (f"sha256:{HASH}", f"sha512:{'b' * 128}")
    assert pin.marker is None


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, f"a==1 --hash=sha256:{HASH}\n")
    assert lock.digest == hashlib.sha256(lock.path.read_bytes()).hexdigest()


def test_a_pin_of_an_extra_is_required_only_where_the_extra_is_asked_for(tmp_path: Path) -> None:
    lock = lock_of(
        tmp_path,
        f'a==1 --hash=sha256:{HASH}\nmamba-ssm==2.2.2 ; extra == "gpu" --hash=sha256:{HASH}\n',
    )
    without, asked = lock.select(HERE), lock.select(HERE, extras=["gpu"])
    assert (without.required, without.optional) == ({"a": "1"}, {"mamba-ssm": "2.2.2"})
    assert (asked.required, asked.optional) == ({"a": "1", "mamba-ssm": "2.2.2"}, {})
    assert (asked.file, asked.digest) == ("constraints.txt", lock.digest)


def test_markers_are_judged_for_the_target_and_not_for_this_machine(tmp_path: Path) -> None:
    lock = lock_of(
        tmp_path,
        f"""\
a==1 ; python_version < "3.12" --hash=sha256:{HASH}
a==2 ; python_version >= "3.12" --hash=sha256:{HASH}
colorama==0.4.6 ; sys_platform == "win32" --hash=sha256:{HASH}
arm==1 ; platform_machine == "aarch64" --hash=sha256:{HASH}
late==1 ; python_full_version >= "3.11.9" and platform_system == "Linux" --hash=sha256:{HASH}
""",
    )
    assert lock.select(HERE).required == {"a": "1"}
    assert lock.select(Target(python_version="3.12.1")).required == {"a": "2", "late": "1"}
    windows = Target(python_version="3.11.9", platform="win32", machine="aarch64")
    assert lock.select(windows).required == {"a": "1", "arm": "1", "colorama": "0.4.6"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"torch>=2.2 --hash=sha256:{HASH}", "torch is not pinned: expected one ==version, found >=2.2"),
        (f"torch --hash=sha256:{HASH}", "torch is not pinned: expected one ==version, found no version"),
        (f"torch==2.* --hash=sha256:{HASH}", "torch is not pinned"),
        (
            f"torch @ https://example.org/t.whl --hash=sha256:{HASH}",
            "torch is not pinned: expected one ==version, found https://example.org/t.whl",
        ),
        ("torch==2.2.2", "torch has no hash"),
        ("torch==2.2.2 --hash=md5:0cc175b9c0f1b6a831c399e269772661", "torch: expected a hash by sha256"),
        ("torch==2.2.2 --hash=sha256:abc", "torch: expected a hash by sha256"),
        ("torch = 2.2.2", "expected `name==version --hash=...`, found 'torch = 2.2.2'"),
        ("-r other.txt", "expected `name==version --hash=...`, found '-r other.txt'"),
        ("-e .", "expected `name==version --hash=...`"),
        ('{"version": 1}', "expected `name==version --hash=...`"),
        (f"first==2 --hash=sha256:{HASH}", "first is pinned a second time, first in line 1"),
    ],
)
def test_a_line_that_is_no_pin_is_named_with_what_is_wrong(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(FileUnusable) as caught:
        lock_of(tmp_path, f"first==1 --hash=sha256:{HASH}\n\n{line}\n")
    assert f"constraints.txt:3: {message}" in str(caught.value)


def test_two_pins_that_apply_at_once_are_refused(tmp_path: Path) -> None:
    lock = lock_of(
        tmp_path,
        f'a==1 ; python_version > "3" --hash=sha256:{HASH}\na==2 ; python_version > "3.1" --hash=sha256:{HASH}\n',
    )
    with pytest.raises(FileUnusable, match=r"constraints\.txt:2: a applies here twice, also in line 1"):
        lock.select(HERE)


@pytest.mark.parametrize("text", ["", "# nothing\n", "--no-index\n"])
def test_a_lock_that_pins_nothing_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileUnusable, match="pins nothing"):
        lock_of(tmp_path, text)


def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileUnusable, match="cannot be read: No such file or directory"):
        read_lock(tmp_path / "absent.txt")
    with pytest.raises(FileUnusable, match="cannot be read: Is a directory"):
        read_lock(tmp_path)
    (tmp_path / "binary").write_bytes(b"a==1\n\xff\xfe")
    with pytest.raises(FileUnusable, match="found other bytes at offset 5"):
        read_lock(tmp_path / "binary")


names = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True)
versions = st.lists(st.integers(0, 99), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@settings(max_examples=30)
@given(pins=st.dictionaries(names.map(str.lower), versions, min_size=1, max_size=6), folded=st.booleans())
def test_whatever_is_pinned_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, pins: dict[str, str], *, folded: bool
) -> None:
    joint = " \\\n    " if folded else " "
    text = "".join(f"{name}=={version}{joint}--hash=sha256:{HASH}\n" for name, version in pins.items())
    assert lock_of(tmp_path_factory.mktemp("lock"), text).select(HERE).required == dict(sorted(pins.items()))


def test_the_lock_of_this_project_keeps_what_needs_a_compiler_apart() -> None:
    selected = read_lock(PROJECT_LOCK).select(Target(python_version=".".join(map(str, sys.version_info[:2]))))
    assert selected.optional.items() >= {"causal-conv1d": "1.4.0", "mamba-ssm": "2.2.2"}.items()
    assert "torch" not in selected.optional
    assert selected.version_of("torch") == "2.2.2"
    assert selected.version_of("mamba-ssm") == "2.2.2"
    assert selected.version_of("jax") is None
    assert "setuptools" in selected.required
