from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from envcheck.core import encode
from envcheck.facts.packages import Origin, Packages
from tests.envcheck.environments import Environment, make_environment


def test_a_package_is_seen_with_version_installer_and_place(environment: Environment) -> None:
    environment.install("Some_Package", "1.2.3+local")
    package = environment.observe(Packages).named("some-package")
    assert package is not None
    assert (package.version, package.installer, package.origin) == ("1.2.3+local", "uv", Origin.INDEX)
    assert package.location == f"{environment.site.relative_to(environment.prefix)}/Some_Package-1.2.3+local.dist-info"


@pytest.mark.parametrize(
    ("direct_url", "origin", "url"),
    [
        ({"url": "file:///src/a", "dir_info": {"editable": True}}, Origin.EDITABLE, "file:///src/a"),
        ({"url": "file:///src/a", "dir_info": {}}, Origin.DIRECTORY, "file:///src/a"),
        (
            {"url": "https://ana:secret@example.org/a.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            Origin.VCS,
            "https://example.org/a.git@abc",
        ),
        (
            {"url": "https://example.org/a.whl?token=secret", "archive_info": {"hash": "sha256=0"}},
            Origin.ARCHIVE,
            "https://example.org/a.whl",
        ),
        ({"url": "file:///src/a"}, Origin.UNREADABLE, None),
        (None, Origin.UNREADABLE, None),
    ],
)
def test_the_origin_that_an_installer_recorded_is_read_without_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direct_url: object, origin: Origin, url: str | None
) -> None:
    environment = Environment(prefix=tmp_path)
    environment.install("a", "1", into=tmp_path, direct_url=json.dumps(direct_url) if direct_url else "{not JSON")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    (package,) = Packages.observe().packages
    assert (package.origin, package.url) == (origin, url)
    assert "secret" not in json.dumps(encode(package))


def test_a_folder_below_the_home_is_shown_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    url = json.dumps({"url": f"{tmp_path.as_uri()}/src", "dir_info": {"editable": True}})
    Environment(prefix=tmp_path).install("a", "1", into=tmp_path / "lib", direct_url=url)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "lib")])
    (package,) = Packages.observe().packages
    assert (package.url, package.location) == ("file://~/src", "~/lib/a-1.dist-info")


def test_of_two_distributions_of_one_name_both_are_seen_and_the_first_on_the_path_is_shown(
    environment: Environment, tmp_path: Path
) -> None:
    environment.install("einops", "0.8.2")
    environment.install("einops", "0.0.1", into=tmp_path / "front")
    packages = environment.observe(Packages, variables={"PYTHONPATH": str(tmp_path / "front")})
    assert [package.version for package in packages.packages if package.name == "einops"] == ["0.0.1", "0.8.2"]
    first = packages.named("einops")
    assert first is not None
    assert first.version == "0.0.1"


def test_metadata_that_is_gone_leaves_a_package_without_a_version(environment: Environment) -> None:
    (environment.install("torch", "2.2.2") / "METADATA").unlink()
    package = environment.observe(Packages).named("torch")
    assert package is not None
    assert package.version is None


def test_an_egg_has_no_record_and_so_no_digest(environment: Environment) -> None:
    (environment.site / "old-1.0.egg-info").write_text("Metadata-Version: 1.0\nName: old\nVersion: 1.0\n")
    package = environment.observe(Packages).named("old")
    assert package is not None
    assert (package.version, package.files, package.wheel) == ("1.0", 0, None)


def test_the_digest_of_a_wheel_changes_with_its_files_and_not_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, content in (("one", "a = 1"), ("two", "a = 1"), ("three", "a = 2")):
        files = {"package/__init__.py": content}
        Environment(prefix=tmp_path).install("package", "1", files, into=tmp_path / place)
    monkeypatch.setattr(sys, "path", [str(tmp_path / place) for place in ("one", "two", "three")])
    one, two, three = (package.wheel for package in Packages.observe().packages)
    assert one == two != three


@pytest.mark.slow
def test_pip_and_uv_install_one_wheel_to_one_digest(tmp_path: Path) -> None:
    wheel = _build_wheel(tmp_path)
    digests = []
    for tool in (["-m", "uv", "pip", "install", "--offline", "--python"], ["-m", "pip", "--python"]):
        environment = make_environment(tmp_path / tool[1])
        install = ["install"] if tool[1] == "pip" else []
        command = [sys.executable, *tool, str(environment.python), *install, "--no-index", str(wheel)]
        subprocess.run(command, check=True, capture_output=True)
        package = environment.observe(Packages).named("toy")
        assert package is not None
        assert package.origin is Origin.ARCHIVE
        digests.append((package.installer, package.wheel))
    assert [installer for installer, _ in digests] == ["uv", "pip"]
    assert digests[0][1] == digests[1][1]


def _build_wheel(folder: Path) -> Path:
    files = {
        "toy/__init__.py": "def main() -> None: ...\n",
        "toy-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n",
        "toy-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "toy-1.0.dist-info/entry_points.txt": "[console_scripts]\ntoy = toy:main\n",
    }
    hashes = {
        path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        for path, text in files.items()
    }
    record = "".join(f"{path},sha256={hashes[path]},{len(files[path])}\n" for path in files)
    with zipfile.ZipFile(folder / "toy-1.0-py3-none-any.whl", "w") as archive:
        for path, text in {**files, "toy-1.0.dist-info/RECORD": record + "toy-1.0.dist-info/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return folder / "toy-1.0-py3-none-any.whl"
