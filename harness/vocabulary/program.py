"""A program: a user's own training that is a case of this project, and how any program starts.

Inside half: standard library only. ``cases/programs/NAME.toml`` declares one. Pinned
environments have Pythons that read no TOML, so a declaration keeps to what JSON and TOML write
alike: one ``key = value`` in a line.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, UsageError
from harness.words import is_asked

STARTING = ("import os,sys; os.dup2(os.open(os.devnull, os.O_RDONLY), 0); "
            "folder = sys.argv.pop(1); sys.path.insert(0, folder); "
            "from harness.measure.recorder.running import main; "
            "sys.path.remove(folder); sys.path.append(folder); sys.exit(main(sys.argv[1:]))")
"""What Python runs to record a program: the package goes last on its path once it is imported,
so that no other module beside it hides one of the program's, and no ``harness`` of the
program's hides it."""
PINNED = {"PYTHONHASHSEED": "0"}
"""Variables beside ``harness.records.settings`` without which two runs differ by chance."""
PERTURBED = 8
"""Runs from changed weights, which tell what rounding does."""
OUTSIDE = "outside"
"""Key, among the facts of runs, of what they used that lies outside of the program's folder."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,79}\Z")
_LINE = re.compile(r"([a-z]+) *= *(.+)\Z")


@dataclass(frozen=True)
class Program:
    """A program that is a case of this project.

    Args:
        name: of its declaration.
        words: a script, ``-m module`` or ``pytest path``, with arguments.
        folder: to run it in, relative to the checkout.
        environments: shell patterns of those that it is measured in, ``torch-*``.
        outputs: files that it writes, whose numbers are compared.
        variables: its own environment variables, ``NAME=VALUE``.
        steps: updates after which it is ended; 0 for all of them.
        every: tensors are looked at in every so many steps.
        limit: seconds of one run.
    """

    name: str
    words: tuple[str, ...]
    folder: str
    environments: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    steps: int = 0
    every: int = 1
    limit: float = 600.0

    def options(self) -> list[str]:
        """Return the recorder's options of every run."""
        steps = ["--steps", str(self.steps)] if self.steps else []
        return [*steps, "--every", str(self.every)]

    def is_for(self, environment: str) -> bool:
        """Return whether it is measured in an environment."""
        return is_asked(environment, self.environments)

    def dumps(self) -> str:
        """Return the declaration."""
        lines = [f"{field.name} = {json.dumps(_plain(getattr(self, field.name)))}"
                 for field in fields(self) if field.name != "name"
                 and getattr(self, field.name) != field.default]
        return "\n".join(lines) + "\n"


def load(path: Path) -> Program:
    """Return the program that a file declares.

    Raises:
        HarnessError: the file is missing, or declares none.
    """
    found: dict[str, Any] = {}
    types: dict[str, Any] = {
        "words": list, "folder": str, "environments": list, "outputs": list, "variables": list,
        "steps": int, "every": int, "limit": (int, float)}
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.match(line.strip())
        try:
            key, value = (match[1], json.loads(match[2])) if match else ("", None)
        except ValueError:
            key, value = "", None
        is_right = isinstance(value, types.get(key, ())) and not isinstance(value, bool) and (
            not isinstance(value, list) or all(isinstance(word, str) for word in value))
        if not is_right or key in found:
            raise _refused(path, f"line {number}: {line.strip()[:80]}",
                           "a line is key = value, as JSON writes it; keys: " + ", ".join(types))
        found[key] = tuple(value) if isinstance(value, list) else value
    missing = [key for key in ("words", "folder", "environments") if not found.get(key)]
    if missing:
        raise _refused(path, f"no {', '.join(missing)}", "declare what harness try --save writes")
    if min(found.get("steps", 1), found.get("every", 1), found.get("limit", 1)) < 0 \
            or not found.get("every", 1):
        raise _refused(path, "a number below what it can be", "steps >= 0, every >= 1, limit > 0")
    if Path(found["folder"]).is_absolute() or ".." in Path(found["folder"]).parts:
        raise _refused(path, f"folder {found['folder']!r}", "name a folder of this checkout")
    return Program(check_name(path.stem), **found)


def check_name(name: str) -> str:
    """Return a name that a program may have.

    Raises:
        UsageError: it is none.
    """
    if not NAME.match(name):
        raise UsageError("not a valid name of a program", repr(name)[:100],
                         f"allowed: {NAME.pattern[:-2]}", "harness try --save my_program")
    return name


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _refused(path: Path, numbers: str, next_command: str) -> HarnessError:
    return HarnessError("the declaration of a program cannot be read", str(path), numbers,
                        next_command)


def _text(path: Path) -> str:
    """Return what a declaration says."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError("a program's declaration cannot be read", str(path), str(error)[:200],
                           "harness try ... --save NAME writes one") from None
