"""The arguments of the ``harness`` command.

Inside half: standard library only.
"""

from __future__ import annotations

import argparse
import math
import threading
from pathlib import Path
from typing import Any

from harness import __version__

LONGEST = threading.TIMEOUT_MAX
"""Seconds that anything can wait for."""


class Command(argparse.ArgumentParser):
    """A command's parser, which takes options before, between and after names."""

    _is_mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the options, and what is none, in whatever order they stand."""
        if self._is_mixing:  # argparse calls this itself, for options first and names then
            return super().parse_known_args(args, namespace)
        self._is_mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_mixing = False


def build_parser() -> argparse.ArgumentParser:
    """Return the command-line parser."""
    parser = argparse.ArgumentParser(
        prog="harness", description="Compare deep-learning framework versions by how they train.",
        epilog="exit codes: 0 match, 1 a difference that is not waived, 2 wrong use, "
               "3 could not run")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--root", type=Path, help="the checkout (default: here or above)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True,
                                     parser_class=Command)
    for add in (_measuring, _comparing, _accepting, _trying):
        add(commands)
    return parser


def _measuring(commands: Any) -> None:
    """Add what measures."""
    one = commands.add_parser("run", help="measure cases in this pinned environment")
    one.add_argument("cases", nargs="*", metavar="CASE")
    one.add_argument("--environment", required=True, action="append", dest="environments",
                     metavar="ENV", help="its name, such as torch-2.13.0")
    one.add_argument("--scheduler", metavar="ADDRESS|local:N",
                     help="measure on a Dask cluster (there, several --environment), or on N "
                          "Dask workers here")
    one.add_argument("--variant", action="append", metavar="PATTERN")
    one.add_argument("--faults", action="store_true",
                     help="train under every fault of the catalogue instead")
    one.add_argument("--native", action="store_true",
                     help="train natively, from many seeds, instead")
    one.add_argument("--seeds", type=_count, metavar="N",
                     help="of native runs (default: the case's)")
    one.add_argument("--jobs", type=_count, metavar="N", help="workers (default: one a core)")
    one.add_argument("--runs", metavar="DIR", help="folder of records (default: results/runs)")
    one.add_argument("--again", action="store_true",
                     help="measure also what nothing changed for since it was measured")
    one.add_argument("--dry-run", action="store_true", help="say what would run, and why")
    one.add_argument("--timeout", type=_seconds, default=600, metavar="SECONDS",
                     help="without progress, before a worker counts as hung (default 600)")

    one = commands.add_parser("faults", help="which faults were seen, and how")
    one.add_argument("environments", nargs="*", metavar="ENV", help="default: all trained")
    one.add_argument("--measure", action="store_true", help="train under them first, through tox")

    one = commands.add_parser("native", help="the share of native runs that trained")
    one.add_argument("environments", nargs="*", metavar="ENV", help="default: all")
    one.add_argument("--measure", action="store_true", help="train first, through tox")


def _comparing(commands: Any) -> None:
    """Add what compares and reports."""
    one = commands.add_parser("compare", help="verdicts, against baseline, previous, reference")
    one.add_argument("environments", nargs="*", metavar="ENV")
    one.add_argument("--against", metavar="ENV|baseline|previous|reference")
    one.add_argument("--label", metavar="LABEL", help="the environments of a label of tox.ini")
    _selection(one)
    one.add_argument("--json", metavar="FILE", help="write the verdicts there as well")
    one.add_argument("--junit", metavar="FILE", help="as JUnit XML")
    one.add_argument("--markdown", metavar="FILE", help="as a summary in Markdown")
    one.add_argument("--all", action="store_true", help="show what agrees, too")

    one = commands.add_parser("upgrade", help="what an upgrade changes, since when, why")
    one.add_argument("versions", nargs="+", metavar="FAMILY OLD NEW|OLD-ENV NEW-ENV",
                     help="torch 2.3.1 2.14.1, or tensorflow-2.15.1 keras-3.0.5")
    _selection(one)
    one.add_argument("--json", metavar="FILE", help="write the verdicts there as well")
    one.add_argument("--all", action="store_true", help="show every variant and verdict, too")

    one = commands.add_parser("timeline", help="versions that behave the same, what changed when")
    one.add_argument("families", nargs="*", metavar="FAMILY", help="such as torch; default: all")
    _selection(one)
    one.add_argument("--json", metavar="FILE", help="write the timeline there as well")
    one.add_argument("--all", action="store_true", help="show what never changed, too")

    one = commands.add_parser("report", help="the HTML report of everything measured last")
    one.add_argument("environments", nargs="*", metavar="ENV",
                     help="only these; their baselines where they were not measured")
    one.add_argument("--label", metavar="LABEL", help="the environments of a label of tox.ini")
    one.add_argument("--output", metavar="FILE", help="default: results/report.html")
    one.add_argument("--picture", metavar="FILE", help="draw a small one there, PNG or SVG")

    one = commands.add_parser("history", help="what changed over many nights, slowly or at once")
    one.add_argument("name", metavar="CASE")
    one.add_argument("--environment", metavar="ENV")
    one.add_argument("--variant", action="append", metavar="PATTERN")
    one.add_argument("--nights", type=_count, default=100, metavar="N",
                     help="the last ones to look at (default 100)")
    one.add_argument("--json", metavar="FILE", help="write what changed there as well")

    one = commands.add_parser("list", help="cases, variants, environments, baselines, waivers")
    one.add_argument("--label", metavar="LABEL", help="only the environments of a label of tox")
    one.add_argument("--shards", type=int, metavar="N",
                     help="those in N groups that take about as long, apart by commas")
    one.add_argument("--json", action="store_true", help="as a JSON array")

    one = commands.add_parser("merge", help="take in the runs that other machines measured")
    one.add_argument("shards", nargs="+", metavar="DIR",
                     help="a copy of another results/runs, or its zip")
    one.add_argument("--label", metavar="LABEL",
                     help="name the environments of this label of tox that are missing")

    one = commands.add_parser("nightly", help="compare what was measured tonight, confirm alarms")
    one.add_argument("--label", default="nightly", metavar="LABEL",
                     help="of tox: which environments are expected (default: nightly)")
    one.add_argument("--merged", nargs="+", metavar="DIR", help="runs to merge first")
    one.add_argument("--confirmed", nargs="+", metavar="DIR",
                     help="what another machine measured once more for this night")


def _accepting(commands: Any) -> None:
    """Add what changes baselines and pins."""
    one = commands.add_parser("accept", help="promote a run to a baseline")
    one.add_argument("environment", nargs="?", metavar="ENV")
    one.add_argument("cases", nargs="*", metavar="CASE")
    one.add_argument("--reason", action="append", metavar="TEXT",
                     help="why it is right; once for each cause that is shown, in their order")
    one.add_argument("--harm", metavar="TEXT",
                     help="of a regression: whom it harms, and why it is right all the same")
    one.add_argument("--together", metavar="TEXT",
                     help="why pins, case and harness, changed at once, cannot be told apart")
    one.add_argument("--dry-run", action="store_true", help="only show what it would change, why")
    one.add_argument("--undo", action="store_true", help="take the last accept back")

    one = commands.add_parser("describe", help="a case and variant as JSON, for other programs")
    one.add_argument("name", metavar="CASE")
    one.add_argument("--variant", action="append", metavar="PATTERN")
    one.add_argument("--output", metavar="DIR", help="write a file for every variant there")

    one = commands.add_parser("import", help="take in records that another program made")
    one.add_argument("files", nargs="+", metavar="FILE")

    one = commands.add_parser("lock", help="resolve the pins of environments")
    one.add_argument("names", nargs="*", metavar="ENV", help="default: the outside half's")


def _trying(commands: Any) -> None:
    """Add what tries a program of the user's own."""
    one = commands.add_parser(
        "try", help="a training program of your own under two sides: what differs first",
        usage="harness try --baseline SIDE --observed SIDE [OPTION...] -- python train.py ARG...",
        epilog="A SIDE is made of anything that pip can install: torch==2.13.0, 'torch>=2.3,<2.9', "
               "a wheel, git+https://..., requirements.txt, pylock.toml, uv.lock, pyproject.toml; "
               "or it is the folder of an environment of your own. Repeat it for several.")
    many: dict[str, Any] = {"action": "append", "default": []}
    for side in ("baseline", "observed"):
        one.add_argument(f"--{side}", metavar="SIDE", help=f"what the {side} side is made of",
                         **many)
        one.add_argument(f"--{side}-python", metavar="VERSION|PATH", help="its Python")
        one.add_argument(f"--{side}-env", metavar="NAME=VALUE", help="a variable of its own",
                         **many)
        one.add_argument(f"--{side}-arg", metavar="ARG", help="an argument of its own", **many)
        one.add_argument(f"--{side}-directory", type=Path, metavar="DIR", help="where it runs")
    one.add_argument("--replace", metavar="REQUIREMENT", **many,
                     help="on the observed side, instead of what it has of that package")
    one.add_argument("--with", dest="common", metavar="SIDE", help="both are made of this, too",
                     **many)
    one.add_argument("--constraint", type=Path, metavar="FILE", help="bounds for both", **many)
    one.add_argument("--index", metavar="URL", help="another index to look in", **many)
    one.add_argument("--output", metavar="FILE", help="compare the numbers that it writes there",
                     **many)
    one.add_argument("--steps", type=_count, metavar="N", help="end the program after N updates")
    one.add_argument("--every", type=_count, metavar="N", help="look at tensors in every Nth step")
    one.add_argument("--limit", type=_seconds, default=3600, metavar="SECONDS",
                     help="of one run (default 3600)")
    one.add_argument("--jobs", type=_count, metavar="N",
                     help="runs at once (default: as cores and memory allow)")
    one.add_argument("--in-place", action="store_true",
                     help="run in the folder itself, not in copies of it")
    one.add_argument("--refresh", action="store_true", help="make the environments anew")
    one.add_argument("--keep", type=Path, metavar="DIR", help="keep every run and what resolved")
    one.add_argument("--save", metavar="NAME", help="make it a case of this project")
    one.add_argument("--json", metavar="FILE", help="write the verdict there as well")
    one.add_argument("--markdown", metavar="FILE", help="as a summary in Markdown")


def _selection(parser: argparse.ArgumentParser) -> None:
    """Add the choice of cases and variants."""
    parser.add_argument("--case", action="append", metavar="CASE")
    parser.add_argument("--variant", action="append", metavar="PATTERN")


def _count(text: str) -> int:
    """Return a whole number of at least one."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return number


def _seconds(text: str) -> float:
    """Return a time that is more than nothing, and not for ever."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= LONGEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of seconds above 0, {LONGEST:g} at most")
    return number
