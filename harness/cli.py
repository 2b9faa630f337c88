"""The ``harness`` command.

It runs in both halves, so it imports a command only when it is asked for. Only this module
exits; only this one and ``harness.commands`` print.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from harness.arguments import build_parser
from harness.errors import FAILURE, USAGE, HarnessError
from harness.paths import Paths, find_root

COMMANDS = {
    "measuring": ("run",),
    "comparing": ("compare", "timeline", "report", "history", "faults", "native"),
    "keeping": ("accept", "describe", "import", "list", "lock", "merge"),
    "night": ("nightly",),
}
"""Module of ``harness.commands`` -> its commands; the function of one that Python has a word or
a module for ends in an underscore."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        root = (options.root or find_root(Path.cwd())).resolve()
        return _call(root, options)
    except HarnessError as error:
        print(f"harness: {error}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        if options.command == "run":
            raise
        print(f"harness: {error}; this command needs the outside half: pip install .",
              file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("harness: interrupted", file=sys.stderr)
        return FAILURE


def _call(root: Path, options: argparse.Namespace) -> int:
    """Import the command's module, and call its function."""
    name = next(module for module, names in COMMANDS.items() if options.command in names)
    module = importlib.import_module(f"harness.commands.{name}")
    function = getattr(module, options.command, None) or getattr(module, f"{options.command}_")
    if name in ("measuring", "night"):  # they can tell without NumPy that there is nothing to do
        return int(function(Paths(root), options))
    from harness.project import Project

    return int(function(Project(root), options))
