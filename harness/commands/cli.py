"""The ``harness`` command: which command is asked for, and how it ends.

It runs in both halves: ``run`` needs the standard library only, all others Cyclopts. Only this
module exits; only this one and its room print.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import traceback
from pathlib import Path

from harness.errors import FAILURE, TRACEBACK, Stopped, UsageError, explain
from harness.escaping import say
from harness.signals import die, stoppable

ROOT = "--root"
"""The option that stands before the command."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code.

    Whatever happens, 1 means a difference and nothing else. SIGTERM and SIGHUP end this process
    as they would end any other, after its workers.
    """
    _accept_any_text()
    try:
        with stoppable():
            code = _run(sys.argv[1:] if arguments is None else arguments)
            sys.stdout.flush()
            return code
    except Stopped as stopped:
        _say(f"ended by {signal.Signals(stopped.number).name}")
        _let_go()
        die(stopped.number)
    except KeyboardInterrupt:
        _say("interrupted")
    except Exception as error:
        if os.environ.get(TRACEBACK):
            say(traceback.format_exc(), sys.stderr, end="")
        found = explain(error)
        _say(str(found))
        return found.exit_code
    finally:
        _let_go()
    return FAILURE


def _run(arguments: list[str]) -> int:
    root, words = _split(arguments)
    try:
        if words[:1] == ["run"]:
            from harness.commands import measure

            return measure.main(root, words[1:])
        from harness.commands import application

        return application.call(root, words)
    except ModuleNotFoundError as error:
        raise _not_installed(error, words) from error


def _split(arguments: list[str]) -> tuple[Path | None, list[str]]:
    """Return the checkout if one is named, and the command with its own words."""
    first, *others = [*arguments, ""]
    if first == ROOT and others[0]:
        return Path(others[0]).resolve(), arguments[2:]
    if first.startswith(f"{ROOT}="):
        return Path(first.partition("=")[2]).resolve(), arguments[1:]
    if first == ROOT:
        raise UsageError(f"{ROOT} needs a folder", next_command=f"harness {ROOT} DIR COMMAND")
    return None, arguments


def _accept_any_text() -> None:
    """Let nothing that is printed fail for a character that the terminal does not know."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _let_go() -> None:
    """Print what is not printed yet; what cannot be is not to end Python with a code of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str) -> None:
    """Print what ends the command on standard error, if anybody reads that."""
    with contextlib.suppress(OSError):
        say(f"harness: {message}", sys.stderr)


def _not_installed(error: ModuleNotFoundError, words: list[str]) -> UsageError:
    """Return the error for a command that was started by an interpreter that cannot run it."""
    command = words[0] if words else ""
    named = words[words.index("--environment") + 1:] if "--environment" in words else []
    again = f"tox run -e {named[0]}" if command == "run" and named else "pip install ."
    return UsageError(f"this interpreter cannot run harness {command}".rstrip(), sys.prefix,
                      str(error), again)
