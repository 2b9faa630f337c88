"""The benchmark: what the harness costs, how it scores against the alternatives, how it scales.

``tox run -e benchmark [-- attack|cost|matrix|programs|recorder|report|scale|score ...]``, which is
``python -m tests.benchmark``; without a command all of them. Outside half. The exit code is 1
if a target is missed, 3 if something could not run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from subprocess import CalledProcessError

from rich.console import Console

from harness.errors import DIFFERENCE, FAILURE, MATCH, HarnessError
from harness.records.project import Project
from tests.benchmark import attack, cost, matrix, programs_campaign, recorder, report, scale, score

ROOT = Path(__file__).resolve().parents[2]
PARTS = {"attack": attack, "cost": cost, "matrix": matrix, "programs": programs_campaign,
         "recorder": recorder, "report": report, "score": score, "scale": scale}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    defaults = {}
    for name, part in PARTS.items():
        one = commands.add_parser(name, help=(part.__doc__ or "").splitlines()[0],
                                  description=part.__doc__)
        part.add_arguments(one)
        defaults[name] = one
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    chosen = {options.command: options} if options.command else {
        name: one.parse_args([]) for name, one in defaults.items()}
    code = MATCH
    for name, asked in chosen.items():
        try:
            met = PARTS[name].main(Project(ROOT), asked, console)
        except (HarnessError, CalledProcessError) as error:  # the others still run
            print(f"{name}: {error}", file=sys.stderr)
            code = getattr(error, "exit_code", FAILURE)
            continue
        console.print(f"{name}: {'every target is met' if met else 'a target is missed'}")
        code = code or (MATCH if met else DIFFERENCE)
    return code


if __name__ == "__main__":
    sys.exit(main())
