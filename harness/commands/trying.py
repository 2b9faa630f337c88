"""The command that tries a program of the user's own under two sides.

Outside half.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from harness.errors import UsageError
from harness.escaping import say
from harness.files import write_text
from harness.programs.runs import figures
from harness.programs.runs.running import Program, Runner
from harness.programs.runs.session import PERTURBED, Session
from harness.programs.runs.tried import Tried, keep
from harness.programs.sides import asked as sides
from harness.programs.sides import making
from harness.programs.sides.asked import Asked, Common

EXAMPLE = "harness try --baseline torch==2.3.1 --observed torch==2.14.1 -- python train.py"
INTERPRETER = re.compile(r"python(3(\.\d+)?)?")
"""A word before a program, which is left out: every side has a Python of its own."""
USUAL = 2 + PERTURBED + 1
"""Runs of a session in which something differs."""


def try_(options: argparse.Namespace) -> int:
    """Try a program under two sides, say what differs first, and whether by the exit code."""
    program = _program(options)
    common = Common(Path.cwd(), tuple(options.common), tuple(options.replace),
                    tuple(path.resolve() for path in options.constraint), tuple(options.index),
                    options.refresh)
    asked = _asked(options)
    with _folder(options.keep) as folder:
        baseline, observed = sides.make(*asked, common, _tell)
        found = sides.differences(baseline, observed, sides.named(*asked, common))
        _tell(f"between the sides: {sides.describe(found)}")
        keep(folder, (baseline, observed), found)
        with (making.using(baseline.environment), making.using(observed.environment),
              _counting() as count):
            runner = Runner(program, folder, options.keep is not None, count)
            tried = Session(baseline, observed, found, runner, options.jobs).run()
        _show(tried, options)
    return tried.judgement.exit_code


def _show(tried: Tried, options: argparse.Namespace) -> None:
    """Print what came out, and write it wherever it is wanted."""
    commands = [] if options.keep or tried.judgement.is_identical else [
        "the same command with --keep DIR keeps every run, --steps N ends each after N updates"]
    with contextlib.ExitStack() as stack:  # whatever cannot be written, the rest is
        if options.json:
            stack.callback(write_text, Path(options.json), tried.to_json())
        if options.markdown:
            stack.callback(write_text, Path(options.markdown), tried.to_markdown())
        say("\n".join(tried.lines(commands)))


def _program(options: argparse.Namespace) -> Program:
    """Return what is run, from the words after ``--``."""
    words = list(options.program)
    if words and INTERPRETER.fullmatch(words[0]):
        words = words[1:]
    if not words:
        raise UsageError("no program is named", "after --", next_command=EXAMPLE)
    if words[0].startswith("-") and words[0] != "-m":
        raise UsageError("options of Python belong to no side", words[0],
                         "a program is a script, -m module, or pytest path::test",
                         "a variable does the same: --baseline-env PYTHONOPTIMIZE=1")
    figures.require_readable(options.output)
    return Program(tuple(words), tuple(options.output), options.steps, options.every,
                   options.limit, options.in_place)


def _asked(options: argparse.Namespace) -> tuple[Asked, Asked]:
    """Return both sides as they were asked for; the observed one is like the baseline one
    where it is not said, and something else of it is."""
    found = []
    for name in sides.NAMES:
        def given(what: str, side: str = name) -> Any:
            return getattr(options, f"{side}_{what}")
        found.append(Asked(tuple(getattr(options, name)), given("python"),
                           _variables(given("env")), tuple(given("arg")), given("directory")))
    baseline, observed = found
    if not observed.requirements and (options.replace or observed != Asked()):
        observed = Asked(baseline.requirements, observed.python or baseline.python,
                         observed.variables, observed.arguments, observed.directory)
    return baseline, observed


def _variables(texts: Sequence[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text.lstrip("="):
            raise UsageError("a variable has a name and a value", repr(text),
                             next_command="--observed-env TORCH_LOGS=recompiles")
    return dict(text.partition("=")[::2] for text in texts)


@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """Make the folder of a session: a new one that stays, or one that goes."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="harness-try-") as name:
            yield Path(name)
        return
    if kept.exists() and (not kept.is_dir() or any(kept.iterdir())):
        raise UsageError("the folder to keep the runs in is not empty", str(kept),
                         next_command=f"--keep {kept}-2")
    kept.mkdir(parents=True, exist_ok=True)
    yield kept.resolve()


@contextlib.contextmanager
def _counting() -> Iterator[Callable[[str], None]]:
    """Show on standard error which runs have ended."""
    with tqdm(total=USUAL, unit="run", disable=None, leave=False) as bar:
        def count(name: str) -> None:
            bar.set_description(name)
            bar.update()
            if bar.disable:
                _tell(f"ran {name}")

        yield count


def _tell(text: str) -> None:
    say(f"harness: {text}", sys.stderr)
