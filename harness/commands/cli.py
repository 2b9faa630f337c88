"""The ``harness`` command.

It runs in both halves, so it imports a command only when it is asked for. Only this module
exits; only this one and ``harness.commands`` print.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import signal
import sys
import traceback
from pathlib import Path

from harness.commands.arguments import build_parser
from harness.errors import FAILURE, TRACEBACK, Stopped, UsageError, explain
from harness.escaping import say
from harness.records.paths import Paths, find_root
from harness.signals import die, stoppable

COMMANDS = {
    "measure": ("run",),
    "compare": ("compare", "upgrade", "timeline", "report", "history", "faults", "native"),
    "keep": ("accept", "describe", "import", "list", "lock", "merge"),
    "night": ("nightly",),
    "trying": ("try",),
}
"""Module of ``harness.commands`` -> its commands; the function of one that Python has a word or
a module for ends in an underscore."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code.

    Whatever happens, 1 means a difference and nothing else. SIGTERM and SIGHUP end this process
    as they would end any other, after its workers.
    """
    _accept_any_text()
    try:
        with stoppable():
            code = _run(arguments)
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


def _run(arguments: list[str] | None) -> int:
    words, program = _split(sys.argv[1:] if arguments is None else arguments)
    options = build_parser().parse_args(words)
    options.program = program
    try:
        if options.command == "try":  # it needs no project
            return _try(options)
        root = (options.root or find_root(Path.cwd())).resolve()
        return _call(root, options)
    except ModuleNotFoundError as error:
        raise _not_installed(error, options) from error


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Return the words of the command, and those of the program that it is to try."""
    if "try" not in words or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1:]


def _try(options: argparse.Namespace) -> int:
    from harness.commands import trying

    return trying.try_(options)


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


def _not_installed(error: ModuleNotFoundError, options: argparse.Namespace) -> UsageError:
    """Return the error for a command that was started by an interpreter that cannot run it."""
    measures = options.command == "run"
    return UsageError(
        f"this interpreter cannot run harness {options.command}", sys.prefix, str(error),
        f"tox run -e {options.environments[0]}" if measures else "pip install .")


def _call(root: Path, options: argparse.Namespace) -> int:
    """Import the command's module, and call its function."""
    name = next(module for module, names in COMMANDS.items() if options.command in names)
    module = importlib.import_module(f"harness.commands.{name}")
    function = getattr(module, options.command, None) or getattr(module, f"{options.command}_")
    if name in ("measure", "night"):  # they can tell without NumPy that there is nothing to do
        return int(function(Paths(root), options))
    from harness.records.project import Project

    return int(function(Project(root), options))
