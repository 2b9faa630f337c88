"""Checks the scripts of the report's page: ``python tests/page/check.py lint|test``.

``lint`` needs packages from npm's registry; where they cannot be had that is said, and nothing is
checked. ``test`` needs Node alone.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
PROBLEMS = ("ENOTFOUND", "ECONN", "EAI_AGAIN", "ETIMEDOUT", "CERT", "E40", "E50", "ENETUNREACH",
            "EHOST", "network")
"""What npm says of a registry that it cannot reach, or that has not got a package."""


def run(*command: str) -> int:
    """Run a command in this folder; return its exit code."""
    return subprocess.run(command, cwd=FOLDER).returncode


def main(what: str) -> int:
    """Run the checks; return the exit code."""
    if what == "test":
        return run("node", "--import", "./setup.js", "--test")
    fetched = subprocess.run(["npm", "ci", "--fetch-retries=1"], cwd=FOLDER, text=True,
                             capture_output=True)
    if fetched.returncode:
        print(fetched.stderr, file=sys.stderr)
        if any(word in fetched.stderr for word in PROBLEMS):
            print("NOT CHECKED: the page's scripts, since npm's registry cannot be reached")
            return 0
        return fetched.returncode
    return run("npm", "run", "--silent", "lint")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
