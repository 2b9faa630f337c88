"""The nightly workflow: what installs frameworks may write nothing, and nothing is unpinned."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "nightly.yml"
JOBS: dict[str, dict[str, Any]] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
INSTALLS = {"measure", "confirm"}
"""Jobs that run what a framework's wheel brings along."""
HARNESS = "pip install -c constraints/compare.txt ."


def commands(job: str) -> str:
    """Return what a job runs."""
    return "\n".join(step.get("run", "") for step in JOBS[job]["steps"])


def test_what_installs_frameworks_may_write_nothing() -> None:
    """Only they run tox; they may read the sources, and have no token at hand."""
    assert {job for job in JOBS if "tox " in commands(job)} == INSTALLS
    for job in INSTALLS:
        assert JOBS[job]["permissions"] == {"contents": "read"}
        assert "secrets." not in json.dumps(JOBS[job])
        assert "github.token" not in json.dumps(JOBS[job])


def test_what_may_write_installs_nothing_but_the_harness() -> None:
    """The one that keeps the history and the issue; the page's installs nothing at all."""
    writers = {job for job in JOBS if "write" in JOBS[job]["permissions"].values()}
    assert writers == {"tell", "pages"}
    for job in writers:
        lines = [line for line in commands(job).splitlines() if "install" in line or "uv " in line]
        assert lines == ([HARNESS] if job == "tell" else [])


def test_no_credentials_are_left_behind() -> None:
    """Every checkout forgets the token that it was made with."""
    checkouts = [step for job in JOBS.values() for step in job["steps"]
                 if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == 4
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_actions_are_pinned_by_commit() -> None:
    """A tag can be moved; beside each commit stands the version that it is."""
    used = re.findall(r"uses: (.*)", WORKFLOW.read_text(encoding="utf-8"))
    assert used
    for text in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", text), text


def test_all_machines_measure_one_night() -> None:
    """The run's number names the night, in every job."""
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow["env"]["HARNESS_NIGHT"] == "${{ github.run_id }}"


@pytest.mark.parametrize(("entries", "code"), [(0, 3), (1, 0), (256, 0), (257, 3)])
def test_a_matrix_that_github_would_not_run(tmp_path: Path, entries: int, code: int) -> None:
    """Beyond 256 entries, or without one, nothing would run and nothing be said."""
    listed = json.dumps([f"torch-2.{number}.0" for number in range(entries)])
    tool = tmp_path / "harness"
    tool.write_text(f"#!{sys.executable}\nprint({listed!r})\n")
    tool.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = subprocess.run([str(ROOT / ".github" / "shards"), "nightly", "6"], text=True,
                          capture_output=True, check=False, env={**os.environ, "PATH": path})
    assert done.returncode == code
    assert (done.stdout.strip() == listed) == (code == 0)
    assert (f"a matrix of {entries} entries" in done.stderr) == (code != 0)


def test_a_base_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Wrong use has the exit code that it has everywhere, and the next command."""
    subprocess.run(["git", "init", "--quiet", "."], cwd=tmp_path, check=True)
    done = subprocess.run([str(ROOT / ".github" / "try-lockfiles")], cwd=tmp_path, text=True,
                          capture_output=True, check=False,
                          env={**os.environ, "BASE": "missing", "PROGRAM": "train.py"})
    assert done.returncode == 2
    assert "there is no commit missing" in done.stderr and "next:" in done.stderr
