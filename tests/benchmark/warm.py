"""A process of a side that has imported its framework already, and forks for every run.

Inside half: Python 3.8, standard library only; ``programs_warm`` starts it. It reads one job a
line as JSON, and answers with the exit code of the run, or null if it took too long. Importing
a framework takes longer than most of the programs here.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
import time


def main():
    """Import what is named on the command line, and run what comes in."""
    package, modules = sys.argv[1], sys.argv[2:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for module in modules:
        with contextlib.suppress(ImportError):  # not every version has all of them
            importlib.import_module(module)
    for line in sys.stdin:
        answers.write(json.dumps(run(json.loads(line), package)) + "\n")
        answers.flush()


def run(job, package):
    """Fork, and return the exit code of the child, or None if it was ended."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = record(job, package)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    end = time.monotonic() + job["limit"]
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def record(job, package):
    """Record the program of a job in this process; return its exit code."""
    os.setsid()
    os.chdir(job["directory"])
    os.environ.update(job["variables"])
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(job[name], os.O_WRONLY | os.O_CREAT, 0o644), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.path.insert(0, package)
    recorder = importlib.import_module("harness.measure.recorder.running")
    sys.path.append(sys.path.pop(0))
    return recorder.main(job["arguments"])


if __name__ == "__main__":
    main()
