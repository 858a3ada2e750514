"""The command ``vibecraft``: settles the environment first, then loads the rest.

Commands end with 0 (ok), 1 (failed or not verified), 2 (the user's input), 3 (the environment) or 130 (interrupted).
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

import structlog

from cluster.environment import prepare_environment
from cluster.errors import PlatformError
from cluster.settings import load_settings
from cluster.telemetry import configure_logs
from serve_app.problems import CommandError, ExitCode, problem_of
from tasks.domain.errors import DomainError
from tasks.kernels import use_kernel_cache

_log = structlog.get_logger(__name__)


def main() -> None:
    """Run the command line and leave with its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have started us with SIGINT ignored
        signal.signal(number, _interrupt)
    sys.exit(_run())


def _run() -> int:
    try:
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_file)
        # Ray, numba and BLAS read the environment when they are imported: the commands are loaded after it is settled
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        prepare_environment(settings)
        use_kernel_cache(settings)
        from serve_app.commands import command_line  # noqa: PLC0415

        command_line(sys.argv[1:])()
    except SystemExit as left:
        if left.code != ExitCode.INTERRUPTED:
            raise
        return _say("Interrupted.", ExitCode.INTERRUPTED)  # typer ends an interrupted command without a word
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - no traceback reaches a user
        return _say(*_ending(error))
    return ExitCode.OK


def _ending(error: Exception | KeyboardInterrupt) -> tuple[str, ExitCode]:
    """Give the sentence and the exit code that an error ends a command with; what is unforeseen is logged."""
    match error:
        case CommandError():
            return error.message, error.exit_code
        case DomainError() | PlatformError():
            return error.message, problem_of(error.code).exit_code
        case KeyboardInterrupt():
            return "Interrupted.", ExitCode.INTERRUPTED
        case OSError():
            return f"{error.strerror or error}: {error.filename or 'this machine refused'}.", ExitCode.ENVIRONMENT
    _log.error("a command failed", exc_info=error)
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - help, and much that fails, needs no database

    if isinstance(error, SQLAlchemyError):
        return "The database cannot be used; vibecraft.log in the data folder says why.", ExitCode.ENVIRONMENT
    return "Something went wrong on our side; vibecraft.log in the data folder says what.", ExitCode.FAILED


def _say(message: str, exit_code: ExitCode) -> int:
    sys.stderr.write(f"vibecraft: {message}\n")
    return exit_code


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(number)
