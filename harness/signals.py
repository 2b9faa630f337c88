"""Signals that ask a process to end: raised where it is at work, so that it can tidy up.

Inside half: standard library only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import Any, Iterator

from harness.errors import Stopped

ENDING = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end a process; SIGINT is raised by Python itself."""


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let a signal that asks this process to end raise ``Stopped``, once, in the main thread.

    A signal that is ignored, as SIGHUP is under ``nohup``, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    caught = [number for number, handler in before.items() if handler != signal.SIG_IGN]

    def stop(number: int, frame: Any) -> None:
        for one in caught:  # what tidies up is not to be stopped
            signal.signal(one, signal.SIG_IGN)
        raise Stopped(number)

    for number in caught:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, before[number] or signal.SIG_DFL)


def die(number: int) -> None:
    """End this process by a signal, so that whoever started it sees which one it was."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
