"""The recorder's command: run a program, hooked, and write its trace whatever becomes of it.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, Callable, NoReturn

from harness import watching
from harness.errors import HarnessError, UsageError, explain
from harness.escaping import terminal
from harness.measure.recorder import header, recording, seams, trace
from harness.measure.recorder.programs import starting
from harness.measure.recorder.programs.logged import Logged
from harness.measure.recorder.programs.opened import Opened, Outside
from harness.measure.recorder.recording import Ended, Recording
from harness.measure.recorder.weights import Weights


class Terminated(BaseException):
    """A signal asks the program to end; what was recorded until then is written."""


def main(arguments: list[str]) -> int:
    """Run the recorder; return the exit code."""
    options = _parse(arguments)
    try:
        if options.plain:
            return _run(starting.prepare(options.program))[0]
        return _record(options)
    except (HarnessError, OSError) as error:
        found = explain(error)
        sys.stderr.write(f"harness.measure.recorder: {terminal(str(found))}\n")
        return found.exit_code


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m harness.measure.recorder", description=__doc__)
    parser.add_argument("--trace", type=Path, metavar="FILE", help="file to write")
    parser.add_argument("--every", type=_positive, default=1, metavar="N",
                        help="look at tensors in every Nth step only; at losses in all")
    parser.add_argument("--steps", type=_positive, metavar="N", help="end after N updates")
    parser.add_argument("--perturb", type=int, metavar="SEED",
                        help="change the initial weights by last bits")
    parser.add_argument("--load", type=Path, metavar="FILE", help="initial weights to load")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the initial weights to")
    parser.add_argument("--capture", type=_counting, metavar="STEP",
                        help="keep whole tensors of this step, and end there")
    parser.add_argument("--tensors", type=Path, metavar="FILE", help="file for these")
    parser.add_argument("--opened", action="store_true",
                        help="note which files the program reads and writes")
    parser.add_argument("--outside", type=Path, metavar="FILE",
                        help="write what it uses outside of its folder to")
    parser.add_argument("--logged", type=Path, metavar="FILE",
                        help="write what the files of its folder log to")
    parser.add_argument("--plain", action="store_true", help="run the program, record nothing")
    parser.add_argument("program", nargs=argparse.REMAINDER, metavar="-- PROGRAM ARG")
    options = parser.parse_args(arguments)
    options.program = options.program[1:] if options.program[:1] == ["--"] else options.program
    if not options.program:
        parser.error("no program is named: -- train.py ARG...")
    if not options.plain and options.trace is None:
        parser.error("--trace FILE is missing")
    if (options.capture is None) != (options.tensors is None):
        parser.error("--capture STEP and --tensors FILE belong together")
    return options


def _positive(text: str) -> int:
    return _whole(text, 1)


def _counting(text: str) -> int:
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    number = int(text)
    if number < least:
        raise argparse.ArgumentTypeError(f"{number} is less than {least}")
    return number


def _record(options: argparse.Namespace) -> int:
    """Record a program; return its exit code."""
    found = Recording(options.every, options.steps, options.capture)
    weights = Weights(found, options.perturb, _existing(options.load), options.keep)
    with contextlib.suppress(FileNotFoundError):
        options.trace.unlink()  # an old one must not be taken for this run's
    process = os.getpid()
    if header.rank() == 0:
        seams.install(found, weights)
        watching.recording = found
        if options.logged is not None:
            Logged(os.getcwd(), options.logged).install()
    run = starting.prepare(options.program)  # this imports the package of a module
    _leave_children_alone(found)
    opened, outside = Opened(), Outside(os.getcwd())
    if options.opened:
        opened.install()
    if options.outside is not None:
        outside.install()

    def write(ended: str) -> None:
        if os.getpid() != process or header.rank() != 0 or found.is_written:
            return
        found.is_stopped = found.is_written = True
        if options.outside is not None:
            options.outside.write_text(json.dumps(list(outside.used)), encoding="utf-8")
        if options.tensors is not None:
            recording.save_whole(found, options.tensors)
        weights.write()
        trace.write(options.trace, found.events,
                    {**header.describe(found, options.program, found.ended or ended),
                     "read": list(opened.read), "written": list(opened.written)})

    _write_before_leaving(write)
    code, ended = _run(run)
    write(ended)
    return 0 if found.ended else code


def _write_before_leaving(write: Callable[[str], None]) -> None:
    """Write what was recorded where the program leaves by ``os._exit``, past everything else."""
    leave = os._exit

    def leave_later(status: int) -> NoReturn:
        try:
            write(_exit_code(status)[1])
        finally:
            leave(status)

    os._exit = leave_later


def _existing(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise UsageError("there are no weights to load", str(path), "no such file",
                         "record the other side with --keep FILE first")
    return path


def _leave_children_alone(found: Recording) -> None:
    """Stop recording in children that the program forks, and end them by signals as ever.

    A signal that reaches a child before Python has set it up is lost where Python would handle
    it; so it is held back until the child leaves it to the system.
    """
    masks: list[Any] = []

    def hold() -> None:
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}))

    def let() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.pop())

    def forget() -> None:
        found.is_stopped = found.is_forked = True
        watching.recording = None
        if signal.getsignal(signal.SIGTERM) is _terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        let()

    os.register_at_fork(before=hold, after_in_parent=let, after_in_child=forget)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated(signal.Signals(number).name)


def _run(run: Any) -> tuple[int, str]:
    """Run the program as Python itself would; return its exit code and how it ended."""
    try:
        run()
    except SystemExit as error:
        return _exit_code(error.code)
    except Ended as ended:
        return 0, str(ended)
    except Terminated as error:
        return 128 + signal.SIGTERM, f"failed: {error}"
    except BaseException as error:
        _show(error)
        return (130 if isinstance(error, KeyboardInterrupt) else 1,
                f"failed: {type(error).__name__}: {error}")
    return 0, "end"


def _exit_code(code: object) -> tuple[int, str]:
    """Return what Python makes of the argument of ``sys.exit``."""
    if code is None or code == 0:
        return 0, "end"
    if isinstance(code, int):
        return code & 0xFF, f"failed: exit code {code}"
    sys.stderr.write(f"{code}\n")
    return 1, f"failed: {code}"


def _show(error: BaseException) -> None:
    """Print the traceback that the program alone would print."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None and _is_own(frames):
        frames = frames.tb_next
    sys.excepthook(type(error), error.with_traceback(frames), frames)


def _is_own(frames: Any) -> bool:
    file = frames.tb_frame.f_code.co_filename
    return str(file).startswith(str(Path(__file__).parent)) or "runpy" in str(file)
