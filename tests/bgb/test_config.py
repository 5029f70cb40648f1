from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bgb.config import RunConfig, load_config, parse_config
from bgb.errors import ConfigError

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def minimal() -> dict[str, Any]:
    return {
        "name": "tiny",
        "paths": {"corpus": "corpus", "cache": "/elsewhere/cache", "runs": "../runs"},
        "model": {"mamba": {"kernel": "reference"}},
        "train": {"device": "cpu", "precision": "fp32", "batch_size": 8, "epochs": 1},
        "preflight": {"policy": "policy.toml"},
    }


def write(folder: Path, content: object) -> Path:
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_shipped_configuration_loads_and_names_a_policy_that_exists(path: Path) -> None:
    config = load_config(path)
    assert config.preflight.policy.is_file()
    assert config.preflight.lockfile.is_file()


def test_relative_paths_are_relative_to_the_configuration_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, minimal())
    monkeypatch.chdir("/")
    paths = load_config(path).paths
    assert paths.corpus == tmp_path / "corpus"
    assert paths.cache == Path("/elsewhere/cache")
    assert paths.runs == (tmp_path / "../runs").resolve()


def test_a_path_given_beside_the_configuration_is_relative_to_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = parse_config(minimal(), Path("/somewhere/run.yaml")).with_paths(corpus=Path("here"), cache=None)
    assert config.paths.corpus == tmp_path / "here"
    assert config.paths.cache == Path("/elsewhere/cache")


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("train", "batchsize", 8, "unknown key 'train.batchsize'; did you mean 'batch_size'?"),
        ("data", "limit_file", 50, "unknown key 'data.limit_file'; did you mean 'limit_files'?"),
        (None, "modle", {}, "unknown key 'modle'; did you mean 'model'?"),
        ("train", "zzz", 1, "unknown key 'train.zzz'; known keys: device, precision"),
        ("train", "precision", "fp8", "train.precision: Input should be 'fp32', 'bf16' or 'fp16', found 'fp8'"),
        ("train", "batch_size", 0, "train.batch_size: Input should be greater than 0, found 0"),
        ("data", "split", {"polcy": "official"}, "unknown key 'data.split.polcy'; did you mean 'policy'?"),
        ("expect", "files", {"val": 9}, "expect.files.val"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_was_probably_meant(
    section: str | None, key: str, value: object, message: str
) -> None:
    content = minimal()
    (content if section is None else content.setdefault(section, {}))[key] = value
    with pytest.raises(ConfigError) as raised:
        parse_config(content, Path("run.yaml"))
    assert message in str(raised.value)


def test_every_mistake_is_named_at_once() -> None:
    content = minimal()
    content["train"] |= {"epoch": 3, "devise": "cpu"}
    with pytest.raises(ConfigError) as raised:
        parse_config(content, Path("run.yaml"))
    assert "train.epoch'" in str(raised.value)
    assert "train.devise'" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping of sections, found NoneType"),
        ("- a list", "expected a mapping of sections, found list"),
        ("name: [unclosed", "not valid YAML"),
        ("\x00", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_configuration_gets_one_message(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_missing_file_and_a_folder_get_one_message(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(ConfigError, match="cannot read the configuration"):
            load_config(path)


def test_a_configuration_cannot_be_changed_afterwards() -> None:
    config = parse_config(minimal(), Path("run.yaml"))
    assert isinstance(config, RunConfig)
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3
