"""A leash: a process that is started on it does not outlive the one that started it.

Inside half: standard library only. The command runs in a process group of its own, beside a
guard that was forked from it before it began. The guard waits on the pipe that only the
starting process holds open. When that process ends, however it ends, the guard kills the
group: the command, whatever it is busy with, and all that the command started.

A parent-death signal (``prctl(PR_SET_PDEATHSIG)``) does less: it ends the command alone, on
Linux alone, and comes when the *thread* ends that started the command.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Sequence

NOT_STARTED = 127
"""Exit code of a command that is not there or cannot be run, as in a shell."""
_CLOSED_BY_GUARD = (1, 2)
"""Who reads these must see their end when the command ends, not when the guard does."""


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """Start a command on a leash.

    Args:
        command: program and arguments; it keeps the process id that is returned.
        options: of ``subprocess.Popen``; ``stdin`` is the leash, a pipe.
    """
    # isolated and without site-packages, which nothing here needs: 10 ms
    return subprocess.Popen([sys.executable, "-I", "-S", __file__, *command],
                            stdin=subprocess.PIPE, start_new_session=True, **options)


def wait(process: subprocess.Popen[Any]) -> int:
    """Wait until the command ends; kill what it left in its group; return its exit code."""
    if process.returncode is None:
        # not reaped yet, so that the group's number is no other's
        with contextlib.suppress(ChildProcessError):  # another thread has ended it
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return end(process)


def wait_within(process: subprocess.Popen[Any], limit: float,
                is_over: Callable[[], bool] = lambda: False) -> int | None:
    """Wait until the command ends, at most so many seconds; kill what is left in its group.

    Args:
        is_over: whether nobody waits for it any longer.

    Returns:
        Its exit code; None if it took too long or is waited for no longer, and was killed.
    """
    until, pause = time.monotonic() + limit, 0.01
    try:
        while time.monotonic() < until and not is_over():
            # not reaped yet, so that the group's number is no other's
            if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
                return end(process)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)
        return None
    finally:
        end(process)


def end(process: subprocess.Popen[Any]) -> int:
    """Kill the command with all that it started; return its exit code."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        with contextlib.suppress(OSError):  # what was still to be written to a dead process
            process.stdin.close()
    return process.wait()


def main() -> None:
    """Fork the guard, and become the command."""
    if os.fork() == 0:
        _guard()
    try:
        os.execvp(sys.argv[1], sys.argv[1:])
    except OSError as error:
        os.write(2, f"{sys.argv[1]}: {error}\n".encode())
        os._exit(NOT_STARTED)


def _guard() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for output in _CLOSED_BY_GUARD:
        with contextlib.suppress(OSError):
            os.close(output)
    poller = select.poll()
    poller.register(0, 0)  # the end of the other side is always told
    poller.poll()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
