"""Nothing that a command starts outlives it, however it ends: real processes, real kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import leash
from harness.records.project import Project
from tests.kit.trouble import HANG, Command, add_case, is_soon


def is_gone(group: int) -> bool:
    """Return whether nothing of a process group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def hanging(project: Project) -> Iterator[Command]:
    """Return a run whose worker hangs, beside a process that the worker has started."""
    add_case(project, "a_hang", HANG)
    command = Command(project, ("run", "a_hang", "--environment", "reference"))
    try:
        assert is_soon(lambda: "sleep 600" in command.alive(), 60), command.alive()
        yield command
    finally:
        command.kill()


@pytest.mark.parametrize(("number", "code"), [
    (signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, -signal.SIGTERM),
    (signal.SIGHUP, -signal.SIGHUP), (signal.SIGINT, 3)])
def test_workers_end_with_their_run(hanging: Command, number: int, code: int) -> None:
    """Workers, and what they have started, are gone when the run is, and leave no record."""
    place = hanging.project
    earlier = place.run_path("a_hang", "reference")
    earlier.parent.mkdir(parents=True)
    earlier.write_text("an earlier record")
    assert hanging.kill(number) == code
    assert is_soon(lambda: not hanging.alive(), 2), hanging.alive()
    assert earlier.read_text() == "an earlier record"
    assert not [*place.runs.rglob("*.failed.txt"), *place.runs.rglob(".*.tmp")]


def test_a_worker_that_cannot_tell_writes_no_record(project: Project) -> None:
    """A worker whose events nobody reads ends, without an error in a record."""
    reading, writing = os.pipe()
    os.close(reading)
    order = b'{"case": "xor", "variants": ["bce_sigmoid-sgd_0.1"], "fault": null, "seed": null}\n'
    command = [sys.executable, "-m", "harness.measure.worker", "--root", str(project.root),
               "--environment", "reference"]
    ended = subprocess.run(command, input=order, stdout=writing, stderr=subprocess.PIPE,
                           cwd=Path(__file__).parents[1], timeout=60)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (3, b"")
    assert not project.runs.exists()


@pytest.mark.parametrize(("script", "code"), [
    ("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", -signal.SIGTERM), ("sleep 600 & exit 5", 5)])
def test_exit_codes_come_through(script: str, code: int) -> None:
    """The exit code of a command on a leash is its own; what it leaves behind is ended."""
    process = leash.start(["sh", "-c", script])
    assert leash.wait(process) == code
    assert is_soon(lambda: is_gone(process.pid))


def test_a_command_that_is_not_there() -> None:
    """It has the exit code that a shell gives it, and says what is not there."""
    process = leash.start(["/no/such/command"], stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert b"/no/such/command: " in process.stderr.readline()
    assert leash.wait(process) == leash.NOT_STARTED


def test_standard_output_ends_with_the_command() -> None:
    """Whoever reads the output of a command that crashed does not wait for its guard."""
    process = leash.start(["sh", "-c", "echo told; kill -KILL $$"], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.read() == b"told\n"
    assert leash.end(process) == -signal.SIGKILL
