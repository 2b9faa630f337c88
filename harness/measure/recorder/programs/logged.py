"""What the program's own files log: lines that go to standard error, or to a file, or nowhere.

Inside half: standard library only. Only what is logged from within the program's folder counts:
what packages log has line numbers and sizes of their own, in every version others.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
from pathlib import Path
from typing import TextIO

from harness.measure.recorder.programs.opened import INSTALLED

LARGEST = 2**24
"""Characters that are kept of a run."""


class Logged:
    """Writes what the program logs to a file, a line for a line.

    Args:
        folder: that the program runs in, absolute; links in it are part of it.
    """

    def __init__(self, folder: str, path: Path) -> None:
        self._folder, self._path = os.path.join(folder, ""), path
        self._file: TextIO | None = None
        self._left, self._process = LARGEST, os.getpid()

    def install(self) -> None:
        """Have every logger tell of what it is about to hand to its handlers."""
        handle = logging.Logger.handle

        @functools.wraps(handle)
        def told(logger: logging.Logger, record: logging.LogRecord) -> None:
            with contextlib.suppress(Exception):  # one that cannot be formatted logging tells of
                self._take(logger, record)
            handle(logger, record)

        logging.Logger.handle = told  # type: ignore[assignment,method-assign]

    def _take(self, logger: logging.Logger, record: logging.LogRecord) -> None:
        if os.getpid() != self._process or self._left <= 0 or not self._is_own(record.pathname) \
                or _is_printed(logger):
            return
        line = record.getMessage()[:self._left]
        self._left -= len(line) + 1
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8", errors="replace", buffering=1)
        self._file.write(f"{line}\n")

    def _is_own(self, name: str) -> bool:
        path = os.path.abspath(os.path.join(self._folder, name))
        return path.startswith(self._folder) and not path.startswith(INSTALLED)


def _is_printed(logger: logging.Logger | None) -> bool:
    """Return whether a handler prints what is logged, so that it is known anyway."""
    while logger is not None:
        for handler in logger.handlers:
            if getattr(handler, "stream", None) in (sys.stdout, sys.__stdout__):
                return True
        logger = logger.parent if logger.propagate else None
    return False
