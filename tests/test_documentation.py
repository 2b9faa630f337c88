"""The README and docs/: every command that they show is one that works, and every link leads."""

from __future__ import annotations

import glob
import itertools
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.environments.names import labelling, pinned, with_elixir
from harness.records.project import Project
from harness.store.store import Store
from tests.kit.documents import PAGES, ROOT, commands, links

OTHERS = ("cd", "export", "git", "pip", "uv")
"""Programs that are not this project's."""
MEASURED = ("torch-2.13.0", "reference")
"""Environments of which the pages take it that they were measured."""
PLACEHOLDER = re.compile(r"<|\*\*|\b[A-Z]{3,}\b")
"""What a reader replaces."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the checkout in which two of its stored environments were measured."""
    for name in ("cases", "constraints", "docs", "results"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("runs"))
    for name in ("tox.ini", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    project = Project(tmp_path)
    store = Store(project)
    for case in project.case_names():
        for name in MEASURED:
            store.put_run(store.baseline(case, name))
    return tmp_path


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)],
                         ids=lambda page: page.name)
def test_every_command_works(page: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What harness is asked runs, in order, and ends with 0 or 1; what tox is asked exists."""
    monkeypatch.chdir(copy)
    for command in commands(page):
        program, *words = [word for word in shlex.split(command, comments=True)
                           if not re.match(r"[A-Z_]+=", word)]
        if program == "tox":
            _check_tox(words)
        elif PLACEHOLDER.search(command):
            continue
        elif program == "harness":
            assert _code(_expanded(words)) in (0, 1), command
        elif program == "python":
            subprocess.run([sys.executable, *_expanded(words)], check=True)
        else:
            assert program in OTHERS, command


def _expanded(words: list[str]) -> list[str]:
    """Return the words with patterns of files replaced, as a shell does it."""
    return [name for word in words for name in (sorted(glob.glob(word)) or [word])]


def _code(words: list[str]) -> int:
    """Return the exit code of a command, also of one that argparse ends."""
    try:
        return main(words)
    except SystemExit as ended:
        return int(ended.code or 0)


def _check_tox(words: list[str]) -> None:
    """Check that the environments and labels that tox is asked for are there."""
    text = (ROOT / "tox.ini").read_text(encoding="utf-8")
    known = {*pinned(ROOT), *with_elixir(ROOT), *re.findall(r"^\[testenv:([^\]]+)\]", text, re.M)}
    options = dict(itertools.pairwise(words))
    for name in options.get("-e", "").split(","):
        assert not name or name in known or re.fullmatch(r"(torch|keras|tensorflow)-[\d.]+", name)
    for label in filter(None, options.get("-m", "").split(",")):
        assert label in labelling(ROOT) or f"    {label} = " in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files and headings that a page links to exist."""
    for target in links(page):
        name, _, heading = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        if heading:
            heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
            assert heading in {re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-")
                               for h in heads}, target


def test_the_front_door_is_short() -> None:
    """The README is read in a minute."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
