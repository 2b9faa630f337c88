"""Cases that misbehave, and harness commands as processes that are watched and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.records.project import Project

ROOT = Path(__file__).parents[2]
MARK = "HARNESS_TEST_MARK"
"""Variable that every process which a command starts inherits."""
CASE = '''
from dataclasses import replace
from pathlib import Path
import importlib.util, os, signal, subprocess, sys, time

spec = importlib.util.spec_from_file_location("sane", Path(__file__).with_name("xor.py"))
sane = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sane)

def read(data):
    {action}

CASE = replace(sane.CASE, name="{name}", read=read, variants=sane.CASE.variants[:1])
'''
HANG = 'subprocess.Popen(["sleep", "600"]); time.sleep(600)'
"""A worker that hangs, beside a process that it has started."""


def add_case(project: Project, name: str, action: str) -> None:
    """Add a case that misbehaves when its worker reads the data."""
    (project.root / "cases" / f"{name}.py").write_text(CASE.format(name=name, action=action))


@dataclass
class Command:
    """A harness command as a process, with everything that it starts marked."""

    project: Project
    arguments: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        variables = {**os.environ, "PYTHONPATH": str(ROOT), MARK: self.mark,
                     **self.options.pop("env", {})}
        # a shell lets what it starts in the background ignore SIGINT, nohup SIGHUP, and so would
        # the command
        handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness", "--root", str(self.project.root), *self.arguments],
            env=variables, stdin=subprocess.DEVNULL, cwd=self.project.root,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **self.options})
        for number, handler in before.items():
            signal.signal(number, handler)

    def alive(self) -> list[str]:
        """Return the command lines of all marked processes that are there."""
        mark, found = f"{MARK}={self.mark}".encode(), []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_text().replace("\0", " ").strip())
            except OSError:
                continue
        return sorted(filter(None, found))

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Send a signal to the command itself, and return its exit code."""
        self.process.send_signal(number)
        self.finish()
        return self.process.returncode

    def finish(self) -> tuple[str, str]:
        """Wait for the end; return standard output and standard error."""
        told = self.process.communicate(timeout=120)
        return tuple((text or b"").decode() for text in told)  # type: ignore[return-value]


def is_soon(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Return whether something holds within some seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
