"""The arguments of ``harness run``, which pinned environments call.

Inside half: standard library only.
"""

from __future__ import annotations

import argparse
import math
import threading
from typing import Any

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
    """Return the parser of the command that measures."""
    one = Command(prog="harness run", description="Measure cases in this pinned environment.",
                  epilog="exit codes: 0 measured, 2 wrong use, 3 could not measure everything")
    one.add_argument("cases", nargs="*", metavar="CASE", help="default: all")
    one.add_argument("--environment", required=True, action="append", dest="environments",
                     metavar="ENV", help="its name, such as torch-2.13.0")
    one.add_argument("--scheduler", metavar="ADDRESS|local:N",
                     help="measure on a Dask cluster (there, several --environment), or on N "
                          "Dask workers here")
    one.add_argument("--variant", action="append", metavar="PATTERN",
                     help="only variants that match; can be given more than once")
    one.add_argument("--faults", action="store_true",
                     help="train under every fault of the catalogue instead")
    one.add_argument("--native", action="store_true",
                     help="train natively, from many seeds, instead")
    one.add_argument("--seeds", type=_seeds, metavar="N|FIRST-LAST",
                     help="of native runs: so many, or these (default: the case's)")
    one.add_argument("--jobs", type=_count, metavar="N", help="workers (default: one a core)")
    one.add_argument("--runs", metavar="DIR", help="folder of records (default: results/runs)")
    one.add_argument("--again", action="store_true",
                     help="measure also what nothing changed for since it was measured")
    one.add_argument("--dry-run", action="store_true", help="say what would run, and why")
    one.add_argument("--timeout", type=_seconds, default=600, metavar="SECONDS",
                     help="without progress, before a worker counts as hung (default 600)")

    return one


def _count(text: str) -> int:
    """Return a whole number of at least one."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return number


def _seeds(text: str) -> range:
    """Return the seeds of a number of them, or from a first to a last one."""
    first, dash, last = text.partition("-")
    if not dash:
        return range(_count(text))
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seeds, and no first and last")
    return range(int(first), int(last) + 1)


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
