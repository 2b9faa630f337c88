"""The Elixir process that trains: started once, asked in JSON lines.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Iterator, Sequence

import numpy as np

from harness.errors import HarnessError, UnsupportedError, WorkerError

RUNNER = Path(__file__).with_name("runner.exs")
ONE_THREAD = "+S 1:1 +SDcpu 1:1 +SDio 1 +hms 4000000"
"""What the Erlang machine is told, unless ELIXIR_ERL_OPTIONS says otherwise: one thread, and a
heap of 32 MB from the beginning, in which numbers are not collected all the time."""


class Elixir:
    """One process under one version of Axon, and what it says of itself.

    Args:
        command: path of Elixir.
        paths: folders of compiled modules.
    """

    def __init__(self, command: str, paths: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            [command, str(RUNNER), *paths], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={"ELIXIR_ERL_OPTIONS": ONE_THREAD, "ERL_CRASH_DUMP_SECONDS": "0", **os.environ},
            encoding="utf-8")
        self.about: dict[str, str] = next(self._answers())

    def ask(self, **order: Any) -> Iterator[dict[str, Any]]:
        """Yield the answers to an order, until one says that it is done.

        Raises:
            UnsupportedError: Axon cannot express what is asked for.
            HarnessError: Axon raised an error; its words are kept.
            WorkerError: the process has ended.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: there is no answer
        for answer in self._answers():
            if "unsupported" in answer:
                raise UnsupportedError(answer["unsupported"])
            if "error" in answer:
                raise HarnessError(answer["error"])
            if "done" in answer:
                return
            yield answer

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self.process.poll() is not None

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()

    def _answers(self) -> Iterator[dict[str, Any]]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)
        raise WorkerError("the Elixir process ended", numbers=f"exit code {self.process.wait()}")


def numbers(text: str, precision: str) -> np.ndarray:
    """Return the array in an answer, flat."""
    return np.frombuffer(base64.b64decode(text), np.dtype(precision).newbyteorder("<")) \
        .astype(precision)
