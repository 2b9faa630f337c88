"""What the nightly workflow leaves on GitHub: one issue, and a branch with the history.

`gh` is a stand-in that remembers what it is asked; git is real, its remote a folder.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

GITHUB = Path(__file__).parents[1] / ".github"
SUMMARY = "# Nightly 2026-11-21: training changed in torch-2.14.1\n\nTwo comparisons differ.\n"
URL = "https://example.invalid/runs/7"
STAND_IN = """#!{python}
import json, pathlib, sys
home, arguments = pathlib.Path({home!r}), sys.argv[1:]
text = ""
if "--body-file" in arguments:
    text = pathlib.Path(arguments[arguments.index("--body-file") + 1]).read_text()
with (home / "asked").open("a") as log:
    log.write(json.dumps([arguments, text]) + "\\n")
if arguments[:2] == ["issue", "list"]:
    sys.stdout.write((home / "open").read_text())
sys.exit(int((home / "code").read_text()) if arguments[:2] != ["issue", "list"] else 0)
"""


class Site:
    """A stand-in for GitHub's issues.

    Args:
        home: folder with the answer to ``gh issue list``, the exit code of the rest, the log.
    """

    def __init__(self, home: Path, number: str) -> None:
        self.home = home
        tool = home / "bin" / "gh"
        tool.parent.mkdir()
        tool.write_text(STAND_IN.format(python=sys.executable, home=str(home)))
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        (home / "open").write_text(number)
        (home / "code").write_text("0")
        (home / "summary.md").write_text(SUMMARY)

    def tell(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run the script as the workflow does."""
        path = os.pathsep.join([str(self.home / "bin"), os.environ["PATH"]])
        return subprocess.run(
            [str(GITHUB / "tracking-issue"), code, str(self.home / "summary.md"), URL],
            capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})

    def asked(self) -> list[tuple[list[str], str]]:
        """Return what gh was asked after the list of open issues, each with its body."""
        lines = (self.home / "asked").read_text().splitlines()
        found = [(arguments, body) for arguments, body in map(json.loads, lines)]
        assert found[0][0][:6] == ["issue", "list", "--label", "nightly", "--state", "open"]
        return found[1:]


def option(arguments: list[str], name: str) -> str:
    """Return the value of an option."""
    return arguments[arguments.index(name) + 1]


@pytest.mark.parametrize("code", ["1", "3"])
def test_the_first_bad_night_opens_an_issue(tmp_path: Path, code: str) -> None:
    """The label is made if need be; title and text are the summary's, with a way to the run."""
    site = Site(tmp_path, "")
    assert site.tell(code).returncode == 0
    (label, _), (issue, body) = site.asked()
    assert label[:3] == ["label", "create", "nightly"]
    assert issue[:2] == ["issue", "create"]
    assert option(issue, "--label") == "nightly"
    assert option(issue, "--title") == "Nightly 2026-11-21: training changed in torch-2.14.1"
    assert body.startswith(SUMMARY)
    assert URL in body


def test_the_next_bad_night_rewrites_it(tmp_path: Path) -> None:
    """The open issue gets the new title and text; none is opened, and nothing is commented."""
    site = Site(tmp_path, "12\n")
    assert site.tell("1").returncode == 0
    (issue, body), = site.asked()
    assert issue[:3] == ["issue", "edit", "12"]
    assert option(issue, "--title").endswith("torch-2.14.1")
    assert body.startswith(SUMMARY)


def test_a_good_night_closes_it(tmp_path: Path) -> None:
    """Closed with a word and the way to the run."""
    site = Site(tmp_path, "12\n")
    (tmp_path / "summary.md").write_text("# Nightly 2026-11-22: nothing changed\n")
    assert site.tell("0").returncode == 0
    (issue, _), = site.asked()
    assert issue[:3] == ["issue", "close", "12"]
    assert option(issue, "--comment") == f"Nightly 2026-11-22: nothing changed {URL}"


def test_a_good_night_without_an_issue_is_silent(tmp_path: Path) -> None:
    """Nothing is opened, closed or commented."""
    site = Site(tmp_path, "")
    assert site.tell("0").returncode == 0
    assert site.asked() == []


@pytest.mark.parametrize("text", [None, ""])
def test_a_night_that_left_no_summary(tmp_path: Path, text: str | None) -> None:
    """A job that broke down is told as well."""
    site = Site(tmp_path, "")
    (tmp_path / "summary.md").unlink()
    if text is not None:
        (tmp_path / "summary.md").write_text(text)
    assert site.tell("3").returncode == 0
    issue, body = site.asked()[-1]
    assert "ended before it could say" in option(issue, "--title")
    assert URL in body


@pytest.mark.parametrize(("text", "title"), [
    ("No heading at all.\n", "Nightly: exit code 1, and a summary without a heading"),
    ("#\n", "Nightly: exit code 1, and a summary without a heading"),
    ("#hashtag\n\nwords\n", "Nightly: exit code 1, and a summary without a heading"),
    ("\n\nwords\n\n## Later\n# Last\n", "Later")])
def test_a_summary_without_a_heading_gives_a_title(tmp_path: Path, text: str, title: str) -> None:
    """GitHub refuses an issue without one: the first heading, or the exit code."""
    site = Site(tmp_path, "")
    (tmp_path / "summary.md").write_text(text)
    assert site.tell("1").returncode == 0
    issue, body = site.asked()[-1]
    assert option(issue, "--title") == title
    assert body.startswith(text)


def test_a_refusal_of_github_is_not_swallowed(tmp_path: Path) -> None:
    """Where gh fails, so does the step."""
    site = Site(tmp_path, "12\n")
    (tmp_path / "code").write_text("4")
    assert site.tell("1").returncode == 4


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a fresh clone of a remote with one commit."""
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    git(tmp_path, "init", "--quiet", "source")
    git(tmp_path / "source", "commit", "--quiet", "--allow-empty", "-m", "first")
    git(tmp_path / "source", "push", "--quiet", str(tmp_path / "remote.git"), "HEAD:main")
    return checkout(tmp_path, "clone")


def checkout(home: Path, name: str) -> Path:
    """Return a shallow clone, as the workflow's checkout makes one."""
    git(home, "clone", "--quiet", "--depth", "1", "--branch", "main",
        f"file://{home / 'remote.git'}", name)
    return home / name


def git(folder: Path, *arguments: str) -> str:
    """Run git, without this machine's settings."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True,
                          text=True, env=settings()).stdout


def settings() -> dict[str, str]:
    """Return the variables under which git knows no user, but for the first commit."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@invalid",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@invalid"}


def keep(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script of the history, as the workflow does."""
    plain = {k: v for k, v in settings().items() if "AUTHOR" not in k and "COMMITTER" not in k}
    return subprocess.run([str(GITHUB / "nightly-history"), *arguments], cwd=folder, check=False,
                          capture_output=True, text=True, env={**plain, **variables})


def test_the_history_goes_on_in_the_next_night(clone: Path, tmp_path: Path) -> None:
    """What one night saves the next one restores, to the byte, and the branch has one commit."""
    history = clone / "results" / "history.sqlite"
    assert keep(clone, "restore").returncode == 0
    assert not history.exists()
    history.parent.mkdir()
    for content in (b"SQLite one\x00\xff", b"SQLite two\x00\xff"):
        history.write_bytes(content)
        assert keep(clone, "save").returncode == 0
        clone = checkout(tmp_path, f"night-{content[7:10].decode()}")
        history = clone / "results" / "history.sqlite"
        assert keep(clone, "restore").returncode == 0
        assert history.read_bytes() == content
    assert git(tmp_path / "remote.git", "rev-list", "--count", "nightly-history").strip() == "1"
    assert git(tmp_path / "remote.git", "rev-list", "--count", "main").strip() == "1"


def test_a_token_is_asked_for_and_never_kept(clone: Path, tmp_path: Path) -> None:
    """git gets the token from gh when a remote asks; nothing of it stays in the clone."""
    tool = tmp_path / "bin" / "git"
    tool.parent.mkdir()
    real = shutil.which("git")
    tool.write_text(f"#!/bin/sh\n{real} config credential.helper >> {tmp_path / 'helpers'}\n"
                    f'exec {real} "$@"\n')
    tool.chmod(0o755)
    path = os.pathsep.join([str(tool.parent), os.environ["PATH"]])
    (clone / "results").mkdir()
    (clone / "results" / "history.sqlite").write_bytes(b"SQLite")
    assert keep(clone, "save", PATH=path, GH_TOKEN="secret").returncode == 0
    assert set((tmp_path / "helpers").read_text().splitlines()) == {"!gh auth git-credential"}
    assert "secret" not in (clone / ".git" / "config").read_text()
    (tmp_path / "helpers").unlink()
    assert keep(clone, "restore", PATH=path).returncode == 0
    assert (tmp_path / "helpers").read_text() == ""


def test_a_remote_that_is_away_does_not_begin_a_new_history(clone: Path, tmp_path: Path) -> None:
    """Only a branch that is not there yet is no history; everything else is an error."""
    shutil.move(tmp_path / "remote.git", tmp_path / "elsewhere")
    assert keep(clone, "restore").returncode not in (0, 2)


def test_no_history_to_save_and_wrong_use(clone: Path) -> None:
    """A night that wrote none saves none; a word that is none is refused."""
    assert keep(clone, "save").returncode == 0
    assert "nightly-history" not in git(clone, "ls-remote", "origin")
    assert keep(clone, "forget").returncode == 2
