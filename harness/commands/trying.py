"""The command that tries a program of the user's own under two sides.

Outside half.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators
from tqdm import tqdm

from harness.commands.parameters import AtLeastOne
from harness.errors import UsageError
from harness.escaping import say
from harness.files import write_text
from harness.programs.runs import figures, typed
from harness.programs.runs.running import Program, Runner
from harness.programs.runs.session import Session
from harness.programs.runs.tried import Tried, keep
from harness.programs.saved import declaring
from harness.programs.sides import asked as sides
from harness.programs.sides import making
from harness.programs.sides.asked import Asked, Common
from harness.records.paths import Paths, find_root
from harness.report.page.render import render_program
from harness.vocabulary.program import PERTURBED

USUAL = 2 + PERTURBED + 1
"""Runs of a session in which something differs."""
LONGEST = 3600.0
"""Seconds of one run, if not said otherwise."""
Several = Sequence[str]
Positive = Annotated[float, Parameter(validator=validators.Number(gt=0))]


def try_(
        *program: str, baseline: Several = (), observed: Several = (), replace: Several = (),
        both: Annotated[Several, Parameter(name="--with")] = (), python: str | None = None,
        baseline_python: str | None = None, observed_python: str | None = None,
        baseline_env: Several = (), observed_env: Several = (),
        baseline_arg: Several = (), observed_arg: Several = (),
        baseline_directory: Path | None = None, observed_directory: Path | None = None,
        constraint: Sequence[Path] = (), index: Several = (), output: Several = (),
        steps: AtLeastOne | None = None, every: AtLeastOne | None = None,
        limit: Positive = LONGEST, jobs: AtLeastOne | None = None, in_place: bool = False,
        refresh: bool = False, keep_runs: Annotated[Path | None, Parameter(name="--keep")] = None,
        save: str | None = None, report: Path | None = None, json: Path | None = None,
        markdown: Path | None = None) -> int:
    """Try a training program of your own under two sides, and say what differs first.

    A side is made of anything that pip can install: torch==2.13.0, 'torch>=2.3,<2.9', a wheel,
    git+https://..., requirements.txt, pylock.toml, uv.lock, pyproject.toml; or it is the folder
    of an environment of your own. Both sides are made with uv, and kept in a cache.

    Args:
        program: after --; a script, -m module, a console script or pytest path::test, with its
            arguments.
        baseline: what the baseline side is made of; can be given more than once.
        observed: what the observed side is made of; like the baseline, if something else of it
            is said.
        replace: on the observed side, a requirement instead of what it has of that package.
        both: both sides are made of this as well.
        python: version or path of the Python of both sides.
        baseline_python: of the baseline side alone.
        observed_python: of the observed side alone.
        baseline_env: NAME=VALUE, a variable of the baseline side.
        observed_env: NAME=VALUE, a variable of the observed side.
        baseline_arg: an argument for the program on the baseline side: --baseline-arg=--fast.
        observed_arg: an argument for the program on the observed side.
        baseline_directory: where the baseline side runs; here, if not said.
        observed_directory: where the observed side runs.
        constraint: a file that bounds what is resolved.
        index: another index to look in.
        output: a file that the program writes; its numbers are compared as well.
        steps: end the program after so many updates.
        every: look at tensors in every so many steps only.
        limit: seconds that one run may take; 3600, if not said.
        jobs: runs at once; as many as cores and memory allow, if not said.
        in_place: run in the folder itself, not in copies of it.
        refresh: make the environments anew.
        keep_runs: an empty folder, to keep every run and what resolved.
        save: make the program a case of this project, of this name.
        report: write a page with all of it into this file, HTML.
        json: write the verdict into this file as well.
        markdown: write a summary into this file.
    """
    one = Asked(tuple(baseline), baseline_python or python, _variables(baseline_env),
                tuple(baseline_arg), baseline_directory)
    other = Asked(tuple(observed), observed_python or python, _variables(observed_env),
                  tuple(observed_arg), observed_directory)
    common = Common(Path.cwd(), tuple(both), tuple(replace),
                    tuple(path.resolve() for path in constraint), tuple(index), refresh)
    words = Program(typed.words(program), tuple(output), steps, every, limit, in_place)
    figures.require_readable(output)
    typed.require_there(words.words, [Path.cwd() / (side.directory or ".")
                                      for side in (one, other)])
    if save is not None:
        declaring.require_free(Paths(find_root(Path.cwd())), save)
    with _folder(keep_runs) as folder:
        tried = _run(words, sides.complete(one, other, common), common, folder,
                     Settings(keep_runs is not None, jobs))
        _show(tried, Files(report, json, markdown), keep_runs is not None)
    if save is not None:
        _save(tried, words, save)
    return tried.judgement.exit_code


@dataclass(frozen=True)
class Files:
    """Where a verdict is written, beside the terminal."""

    report: Path | None
    json: Path | None
    markdown: Path | None


@dataclass(frozen=True)
class Settings:
    """How a session is run: whether its runs are kept, and how many at once."""

    keeps: bool
    jobs: int | None


def _run(program: Program, asked: tuple[Asked, Asked], common: Common, folder: Path,
         settings: Settings) -> Tried:
    """Make both sides, and run the program there."""
    baseline, observed = sides.make(*asked, common, _tell)
    found = sides.differences(baseline, observed, sides.named(*asked, common))
    _tell(f"between the sides: {sides.describe(found)}")
    keep(folder, (baseline, observed), found)
    with (making.using(baseline.environment), making.using(observed.environment),
          _counting() as count):
        runner = Runner(program, folder, settings.keeps, count)
        return Session(baseline, observed, found, runner, settings.jobs).run()


def _show(tried: Tried, files: Files, is_kept: bool) -> None:
    """Print what came out, and write it wherever it is wanted."""
    commands = [] if is_kept or tried.judgement.is_identical else [
        "the same command with --keep DIR keeps every run, --steps N ends each after N updates"]
    with contextlib.ExitStack() as stack:  # whatever cannot be written, the rest is
        if files.json:
            stack.callback(write_text, files.json, tried.to_json())
        if files.markdown:
            stack.callback(write_text, files.markdown, tried.to_markdown())
        if files.report:
            stack.callback(write_text, files.report, render_program(tried.facts(), commands))
        say("\n".join(tried.lines(commands)))


def _save(tried: Tried, program: Program, name: str) -> None:
    """Make the program a case of the project here, and say how to measure it."""
    paths, side = Paths(find_root(Path.cwd())), tried.baseline
    path = declaring.declare(paths, name, program, side)
    say(f"saved: {path.relative_to(paths.root)}\n"
        f"  next: tox run -e ENV -- {name}, then harness accept ENV {name} --reason TEXT")


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
