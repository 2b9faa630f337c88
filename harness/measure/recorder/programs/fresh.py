"""Whether what a saved program's runs left is still true, so that nothing is measured twice.

Inside half: standard library only. A program may read anything. So what it used outside of its
folder is noted while it runs, and what its words and sources name there is looked for before;
where there is something, the program is measured every time.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import Iterator

from harness.errors import HarnessError
from harness.files import sha256
from harness.records import freshness
from harness.records.paths import Paths
from harness.vocabulary.program import OUTSIDE, Program

WORDS = {"harness": "the recorder changed", "case": "the program or its declaration changed",
         "variables": "an environment variable changed",
         **{name: freshness.WORDS[name] for name in ("packages", "files", "machine")}}
"""What it means that a digest differs."""
PASSING = re.compile(r"(HARNESS|TOX|PIP|UV|NPM|PYTEST|GITHUB|RUNNER|CI|SSH|XDG|GIT)(_|\Z)"
                     r"|npm_config_|(PWD|OLDPWD|SHLVL|_|TERM|COLORTERM|COLUMNS|LINES|TMPDIR|PS1|LS_COLORS|DISPLAY"
                     r"|INVOCATION_ID|JOURNAL_STREAM|PYTHONUNBUFFERED)\Z|(?i:[a-z]+_proxy)\Z")
"""Names of variables that change from one run to the next, or say how something is installed."""
ELSEWHERE = re.compile(r"~|/\w|\.\.(/|\Z)|[A-Za-z][\w+.-]*://")
"""How the name of something begins that does not lie in the program's folder."""


def digests(paths: Paths, program: Program) -> dict[str, str]:
    """Return the SHA-256 of everything that a program's runs are known to depend on."""
    variables = (f"{name}={value}" for name, value in sorted(os.environ.items())
                 if not PASSING.match(name))
    return {**freshness.program_digests(paths.root, program),
            "variables": freshness.digest(variables), **freshness.of_here()}


def due(paths: Paths, program: Program, environment: str) -> str | None:
    """Return why a program must be measured, or None where its last runs are still true."""
    facts = freshness.program_facts(paths.program_run_path(program.name, environment))
    if facts is None:
        return "it was not measured yet"
    used = facts.get(OUTSIDE)
    if not isinstance(used, list):
        return "nobody noted what it uses"
    elsewhere = [*map(str, used), *named(paths, program)]
    if elsewhere:
        return f"it uses {elsewhere[0]}, which may have changed"
    before = facts.get("inputs")
    if not isinstance(before, dict):
        return "nobody noted what it was measured from"
    try:
        now = digests(paths, program)
    except (OSError, HarnessError):
        return WORDS["case"]
    changed = "; ".join(WORDS[name] for name in WORDS if before.get(name) != now[name])
    if not changed and facts.get("baseline") not in (
            None, _digest_of(paths.program_baseline_path(program.name, environment))):
        return "its baseline is another one"
    return changed or None


def baseline_of(paths: Paths, program: Program, environment: str) -> str | None:
    """Return the SHA-256 of a program's baseline; None where there is none."""
    return _digest_of(paths.program_baseline_path(program.name, environment))


def named(paths: Paths, program: Program) -> Iterator[str]:
    """Return what a program names that does not lie in its folder, each in a few words."""
    folder = paths.root / program.folder
    values = [pair.partition("=")[2] for pair in program.variables]
    for word in (*program.words, *values):
        for part in (word, word.partition("=")[2]):
            if ELSEWHERE.match(part):
                yield f"what its words name, {part}"
    for path in freshness.program_files(folder):
        if path.suffix == ".py":
            for text in _texts(path):
                if ELSEWHERE.match(text):
                    yield f"what {path.name} names, {text[:60]!r}"


def _texts(path: Path) -> Iterator[str]:
    """Return the texts in a source that can be names of files: no documentation."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError, RecursionError):
        return
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) \
                and id(node) not in told and "\n" not in node.value:
            yield node.value


def _digest_of(path: Path) -> str | None:
    return sha256(path) if path.is_file() else None
