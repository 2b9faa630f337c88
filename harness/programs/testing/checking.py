"""Checking a training: run it under the recorder, and judge it by the baseline beside the test.

Outside half. Every run is a process of its own that calls the same test; there the fixture finds
itself under a recorder, sets the precision, and calls the function.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from harness import watching
from harness.errors import HarnessError, UsageError
from harness.files import scratch
from harness.programs.judging.judge import judge, problem
from harness.programs.judging.verdict import Judgement
from harness.programs.showing.wording import terminal
from harness.programs.testing import stored
from harness.programs.testing.running import PRECISION, Runs
from harness.programs.traces.trace import Trace
from harness.records import provenance, settings
from harness.vocabulary.program import PERTURBED

PRECISIONS = ("float64", "float32")
LIMIT = 600.0
"""Seconds of one run, if not said otherwise."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class Asked:
    """What was asked of baselines.

    Args:
        force, everything: whether they are written anew; everything passes then.
        reason: why.
        option: that gives the reason.
    """

    force: bool
    everything: bool
    reason: str | None
    option: str

    @property
    def regenerates(self) -> bool:
        """Whether what is there may be written anew."""
        return self.force or self.everything


class Training:
    """Checks trainings of one test.

    Args:
        test: pytest's name of it, ``tests/test_model.py::test_training``.
        path: its file; baselines lie in a folder beside it, of its name.
        root: folder that pytest is run from.
        tell: called with a line on how far it is.
    """

    def __init__(self, test: str, path: Path, root: Path, asked: Asked,
                 tell: Callable[[str], None] = lambda text: None) -> None:
        self.test, self.root, self.asked = test, root, asked
        self.tell = tell
        self.folder = path.parent / path.stem
        self.checked = 0

    def check(self, function: Callable[..., Result], *arguments: Any,
              precisions: Sequence[str] = PRECISIONS, steps: int | None = None,
              every: int | None = None, limit: float = LIMIT) -> Result | None:
        """Check that a function still trains as its baseline says.

        The function is called in processes of their own: once in every precision, and nine times
        more where a baseline is written or something differs. It has to seed what it draws.

        Args:
            function: trains; called with ``arguments``.
            precisions: default element types to train in, ``float64`` and ``float32``.
            steps: end a run after so many updates.
            every: look at tensors in every so many steps only.
            limit: seconds that one run may take.

        Returns:
            Under a recorder what the function returns, otherwise None.

        Raises:
            pytest.fail.Exception: something differs, a baseline was written, or a run failed, did
                not end, or trained nothing.
        """
        self.checked += 1
        if watching.recording is not None:
            wanted = os.environ.get(PRECISION, "")
            if wanted not in ("", f"{wanted.partition(':')[0]}:{self.checked}"):
                return None  # another check of the same test
            use(wanted.partition(":")[0])
            return function(*arguments)
        asked = (precisions,) if isinstance(precisions, str) else precisions
        try:
            failures = self._check(asked, steps, every, limit)
        except HarnessError as error:
            failures = [str(error)]
        if failures:
            pytest.fail("\n\n".join(failures), pytrace=False)
        return None

    def _check(self, precisions: Sequence[str], steps: int | None, every: int | None,
               limit: float) -> list[str]:
        """Return in words what fails in each precision."""
        for word in precisions:
            if word not in PRECISIONS:
                raise UsageError(f"{word!r} is no precision", self.test,
                                 f"known: {', '.join(PRECISIONS)}",
                                 "training.check(..., precisions=['float32'])")
        options = [*(["--steps", str(steps)] if steps else []),
                   *(["--every", str(every)] if every else [])]
        return [text for word in precisions
                if (text := self._compare(word, options, limit)) is not None]

    def _compare(self, precision: str, options: Sequence[str], limit: float) -> str | None:
        """Return in words what differs in one precision, or was written; None for neither."""
        path = self._path(precision)
        with scratch(path.parent) as folder:
            runs = Runs(self.test, self.root, precision, options, limit, folder, self.checked,
                        self.tell)
            observed = runs.trace(stored.UNCHANGED)
            self._require(problem(observed, observed))
            if not path.exists():
                return self._write(path, runs, "first baseline") + "; run the test once more"
            baseline = stored.load(path)
            found = self._judge(observed, baseline, runs)
            if found.exit_code == 0 and not (self.asked.everything and not found.is_identical):
                return None
            if not self.asked.regenerates:
                return self._say(precision, found, path)
            if self.asked.reason is None:
                raise UsageError("a baseline that is written anew needs a reason", str(path),
                                 next_command=self._again)
            said = self._write(path, runs, self.asked.reason)
            return None if self.asked.everything else said

    def _judge(self, observed: Trace, baseline: stored.Stored, runs: Runs) -> Judgement:
        unchanged = baseline.runs[stored.UNCHANGED]
        repeated = baseline.runs.get(stored.REPEATED)
        found = judge(observed, unchanged, baseline.perturbed, repeated)
        if found.wants_again:
            found = judge(observed, unchanged, baseline.perturbed, repeated,
                          again=runs.trace(f"{stored.PERTURBED}1"))
        self._require(found.problem)
        return found

    def _write(self, path: Path, runs: Runs, reason: str) -> str:
        """Run what a baseline holds, and write it; return that in words."""
        names = [stored.UNCHANGED, *(f"{stored.PERTURBED}{i}" for i in range(1, PERTURBED + 1)),
                 stored.REPEATED]
        files = runs.files(names)
        unchanged = runs.trace(stored.UNCHANGED)
        self._require(problem(unchanged, unchanged, runs.trace(stored.REPEATED)))
        stored.write(path, files, {
            "test": self.test, "reason": reason, "recorded": provenance.now(),
            "packages": provenance.packages(), "settings": settings.chosen()})
        return f"{path}: baseline written, {path.stat().st_size / 1024:.0f} KiB, {reason!r}"

    def _require(self, found: HarnessError | None) -> None:
        """Raise what keeps runs from being a baseline, or from being judged."""
        if found is not None:
            raise type(found)(found.what, self.test, found.numbers, found.next_command)

    def _say(self, precision: str, found: Judgement, path: Path) -> str:
        lines = terminal(found, ("this run", "its baseline"), more=(),
                         commands=(self._again,))
        return "\n".join([f"{self.test}, {precision}, against {path.name}", *lines])

    @property
    def _again(self) -> str:
        """The command that writes this test's baselines anew."""
        return f"pytest '{self.test}' --force-regen {self.asked.option} TEXT"

    def _path(self, precision: str) -> Path:
        """Return the file of a baseline."""
        name = re.sub(r"[^\w.-]+", "_", self.test.rpartition("::")[2]).strip("_")
        number = f"-{self.checked}" if self.checked > 1 else ""
        return self.folder / f"{name}{number}-{precision}.zip"


def use(precision: str) -> None:
    """Make a precision the default of the frameworks that the test has imported."""
    if not precision:
        return
    if torch := sys.modules.get("torch"):
        torch.set_default_dtype(getattr(torch, precision))
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", precision == "float64")
    for name in ("keras", "tensorflow"):
        if name in sys.modules:
            keras = sys.modules[name] if name == "keras" else importlib.import_module(
                "tensorflow.keras")
            keras.backend.set_floatx(precision)
