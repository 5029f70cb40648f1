"""The edge of a command line: whatever happens inside ends as one message and an exit status from one table."""

from __future__ import annotations

import io
import itertools
import json
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from envcheck.errors import EnvcheckError, ExitCode
from envcheck.observe import describe
from envcheck.redact import redact

if TYPE_CHECKING:
    import typer


def run(app: typer.Typer, argv: Sequence[str] | None = None) -> NoReturn:
    """Run a command line and exit. With `--json` or `--format json`, stdout holds JSON whatever goes wrong."""
    from typer import Abort, BadParameter
    from typer.main import get_command

    # Recent typer carries a click of its own, so `click.UsageError` may be a class that is never raised.
    usage_error = cast(type[Exception], BadParameter.__bases__[0])
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal cannot show is no reason to lose a verdict.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = get_command(app).main(args=arguments, prog_name=app.info.name, standalone_mode=False)
    except EnvcheckError as error:
        status = _report(error, str(error), error.exit_code, arguments)
    except usage_error as error:
        status = _report(error, _usage(error), ExitCode.USAGE, arguments)
    except (KeyboardInterrupt, Abort) as error:
        status = _report(error, "interrupted", ExitCode.INTERRUPTED, arguments)
    except ModuleNotFoundError as error:
        # The light installation plans and judges; what builds and trains needs packages of the extras.
        status = _report(error, _missing(error), ExitCode.USAGE, arguments)
    except Exception as error:
        message = f"a fault of {app.info.name} itself: {describe(error)}"
        status = _report(error, message, ExitCode.FAULT, arguments)
    else:
        if status == ExitCode.INTERRUPTED:
            _report(KeyboardInterrupt(), "interrupted", ExitCode.INTERRUPTED, arguments)
    sys.exit(status)


def _report(error: BaseException, message: str, code: ExitCode, arguments: list[str]) -> ExitCode:
    if code is ExitCode.FAULT:
        message = f"{message}; the full traceback is in {_keep_traceback(error)}"
    sys.stderr.write(f"{message}\n" if code is ExitCode.INTERRUPTED else f"error: {message}\n")
    if _wants_json(arguments):
        kind = type(error).__name__.lstrip("_")
        content = {"kind": kind, "message": message, "exit_code": int(code)}
        sys.stdout.write(json.dumps({"schema_version": 1, "open": False, "error": content}, indent=1) + "\n")
    return code


def _usage(error: Any) -> str:
    """The message of a usage error with where to read more. No arguments at all have shown the help already."""
    message = "a command is needed" if type(error).__name__ == "NoArgsIsHelpError" else error.format_message()
    return f"{message}\n  see: {error.ctx.command_path} --help" if error.ctx else str(message)


def _missing(error: ModuleNotFoundError) -> str:
    return f"this command needs the package '{error.name}', not installed here; install the extra that brings it"


def _wants_json(arguments: list[str]) -> bool:
    pairs = itertools.pairwise(arguments)
    return "--json" in arguments or "--format=json" in arguments or ("--format", "json") in pairs


def _keep_traceback(error: BaseException) -> str:
    text = redact("".join(traceback.format_exception(error)))
    try:
        with tempfile.NamedTemporaryFile("w", prefix="fault-", suffix=".txt", delete=False, encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return f"these lines:\n{text}"
    return str(Path(file.name))
