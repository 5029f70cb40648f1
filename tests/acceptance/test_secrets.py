"""No value of a secret, and no digest that could be searched for, is in anything that bgb says or keeps."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.acceptance.command_line import bgb, write_config

PLANTED = {
    "WANDB_API_KEY": "wandb-2f9c81d7e4b04a6f9d3c5e7a1b2c3d4e5f607182",
    "AWS_SECRET_ACCESS_KEY": "aws-wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
    "MODAL_TOKEN_SECRET": "as-9d8c7b6a5f4e3d2c1b0a",
    "BGB_API_TOKEN": "bgb-token-71c0ffee",
    "TORCH_HUB_PASSWORD": "hunter2-but-longer",
    "BGB_LIMIT_FILES": "sk-live-pasted-into-the-wrong-variable-000111222",
}
COMMANDS = (
    ("preflight", "RUN", "--for", "cache", "--tier", "quick"),
    ("preflight", "RUN", "--for", "cache", "--tier", "quick", "--json"),
    ("preflight", "RUN", "--for", "cache", "--tier", "quick", "--format", "markdown"),
    ("preflight", "RUN", "--for", "cache", "--tier", "quick", "--format", "junit"),
    ("build-cache", "RUN"),
    ("plan", "RUN", "--for", "cache", "--json"),
    ("env",),
    ("env", "--json"),
)


@pytest.fixture(scope="module")
def said(built: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Everything that a session with planted secrets prints, and every text file that it leaves."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "corpus").symlink_to(built / "corpus")
    shutil.copytree(built / "runs", folder / "runs")
    config = write_config(folder)
    texts = []
    for words in COMMANDS:
        answer = bgb(*(str(config) if word == "RUN" else word for word in words), environ=PLANTED)
        texts += [answer.stdout, answer.stderr]
    kept = [path for path in (folder / "runs").rglob("*") if path.is_file()]
    texts += [path.read_text(encoding="utf-8", errors="replace") for path in kept]
    return "\n".join(texts)


@pytest.mark.parametrize("name", PLANTED)
def test_no_value_of_a_secret_is_said_or_kept(said: str, name: str) -> None:
    assert PLANTED[name] not in said
    assert PLANTED[name][:16] not in said


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5", "blake2b"])
def test_no_digest_of_a_secret_that_could_be_searched_for_is_said_or_kept(said: str, name: str, algorithm: str) -> None:
    assert hashlib.new(algorithm, PLANTED[name].encode()).hexdigest()[:8] not in said


def test_the_names_are_said_so_that_one_can_act(said: str) -> None:
    assert "BGB_API_TOKEN" in said
    assert "(not shown)" in said
