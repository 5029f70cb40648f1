from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from envcheck.boundary import run
from envcheck.errors import CheckFault, ExitCode, PolicyError


def status_of(command: Callable[[], None], *arguments: str) -> object:
    """The exit status of a command line with this one command, and another."""
    app = typer.Typer(name="tool", add_completion=False, no_args_is_help=True)

    @app.command()
    def look(count: int = 1, *, as_json: bool = typer.Option(False, "--json"), output: str = "") -> None:
        command()

    @app.command()
    def other() -> None:
        """Another command, so that there is something to choose."""

    with pytest.raises(SystemExit) as left:
        run(app, arguments)
    return left.value.code


def raises(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


def nothing() -> None:
    return


def test_a_command_that_returns_ends_with_zero() -> None:
    assert status_of(nothing, "look") in {None, 0}


def test_a_command_that_exits_ends_with_its_status() -> None:
    assert status_of(raises(typer.Exit(3)), "look") == 3


def test_an_error_of_ours_is_one_message_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(raises(PolicyError("policy.toml: no name")), "look") == 2
    assert capsys.readouterr() == ("", "error: policy.toml: no name\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_an_interrupt_ends_with_130(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(raises(error), "look") == 130
    assert capsys.readouterr() == ("", "interrupted\n")


@pytest.mark.parametrize("error", [KeyError("x"), CheckFault("check 'a' broke")])
def test_a_fault_ends_with_4_and_keeps_the_traceback(
    error: Exception, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert status_of(raises(error), "look") == 4
    message = capsys.readouterr().err
    (kept,) = tmp_path.iterdir()
    assert message.count("\n") == 1
    assert message.endswith(f"the full traceback is in {kept}\n")
    assert "in command" in kept.read_text()


def test_a_fault_with_nowhere_to_keep_the_traceback_shows_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert status_of(raises(KeyError("x")), "look") == 4
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("look", "--count", "many"), "Invalid value for '--count'"),
        (("look", "--cuont", "3"), "No such option: --cuont"),
        (("lok",), "No such command 'lok'"),
        (("look", "more"), "unexpected extra argument"),
        ((), "a command is needed"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_says_where_to_read_more(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(nothing, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.rstrip().endswith("--help")


@pytest.mark.parametrize("wanted", [("--json",), ("--output", "json", "--json"), ("--json", "--output=x")])
@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (PolicyError("no"), "PolicyError", 2),
        (KeyError("x"), "KeyError", 4),
        (KeyboardInterrupt(), "KeyboardInterrupt", 130),
    ],
)
def test_json_is_json_whatever_goes_wrong(
    wanted: tuple[str, ...], error: BaseException, kind: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(raises(error), "look", *wanted) == code
    content = json.loads(capsys.readouterr().out)
    assert (content["schema_version"], content["open"]) == (1, False)
    assert (content["error"]["kind"], content["error"]["exit_code"]) == (kind, code)


@pytest.mark.parametrize("wanted", [("--format", "json"), ("--format=json",)])
def test_the_json_format_is_json_even_for_a_wrong_command_line(
    wanted: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(nothing, "look", *wanted) == 2
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 2


def test_without_arguments_the_processes_own_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["tool", "--verbose"])
    app = typer.Typer(name="tool", add_completion=False)
    seen: list[bool] = []

    @app.command()
    def look(*, verbose: bool = False) -> None:
        seen.append(verbose)

    with pytest.raises(SystemExit):
        run(app)
    assert seen == [True]


def test_a_package_of_an_extra_that_is_not_installed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer(name="tool")

    @app.command()
    def command() -> None:
        raise ModuleNotFoundError("No module named 'edfio'", name="edfio")

    with pytest.raises(SystemExit) as ended:
        run(app, [])
    assert ended.value.code == ExitCode.USAGE
    assert "needs the package 'edfio', not installed here" in capsys.readouterr().err
