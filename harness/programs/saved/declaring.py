"""Declaring a program as a case of this project.

Outside half. What lies in the checkout is referred to; another folder is copied beside the
declaration, so that everything that is measured is under version control.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.errors import UsageError
from harness.files import write_text
from harness.programs.runs.copying import LEFT_OUT, LINKED
from harness.programs.runs.launching import Side
from harness.programs.runs.running import Program as Tried
from harness.programs.sides.hints import FAMILIES
from harness.records.paths import Paths
from harness.vocabulary.program import Program, check_name

LARGEST, MOST = 2 * 2**20, 200
"""Bytes and files of a program that are copied into the checkout."""


def require_free(paths: Paths, name: str) -> Path:
    """Return the file that a program of this name would be declared in.

    Raises:
        UsageError: the name is none, or taken.
    """
    path = paths.program_path(check_name(name))
    if path.exists() or name in paths.case_names():
        raise UsageError(f"there is a case of the name {name!r} already", str(path),
                         next_command=f"--save {name}_2, or rm {path}")
    return path


def declare(paths: Paths, name: str, tried: Tried, side: Side) -> Path:
    """Write the declaration of a program, and copy the program if it lies elsewhere.

    Args:
        side: that it was tried on: its packages say in which environments it is measured, and
            its variables and arguments are kept.

    Returns:
        The file of the declaration.

    Raises:
        UsageError: the name is taken, nothing that is pinned trains it, or it is too large.
    """
    path, packages = require_free(paths, name), side.environment.packages
    families = {FAMILIES[package] for package in FAMILIES if package in packages}
    if "keras" in families and packages["keras"] >= "3":  # what it computes with is pinned
        families = {"keras"}
    if not families:
        raise UsageError("no environment of this project could measure this program", name,
                         f"its side has none of {', '.join(FAMILIES)}", "harness list")
    program = Program(name, (*tried.words, *side.arguments), _place(paths, name, side.directory),
                      tuple(f"{family}-*" for family in sorted(families)), tried.outputs,
                      tuple(f"{key}={value}" for key, value in sorted(side.variables.items())),
                      tried.steps or 0, tried.every or 1, tried.limit)
    write_text(path, f"# {name}: saved by harness try; see docs/programs.md\n{program.dumps()}")
    return path


def _place(paths: Paths, name: str, folder: Path) -> str:
    """Return the program's folder in the checkout, copied there if need be."""
    root = paths.root.resolve()
    if root in folder.resolve().parents:
        return folder.resolve().relative_to(root).as_posix()
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()
             and not (LINKED | LEFT_OUT) & set(path.relative_to(folder).parts)]
    size = sum(path.stat().st_size for path in files)
    if len(files) > MOST or size > LARGEST or root == folder.resolve():
        raise UsageError("the program's folder is too large to be copied into the checkout",
                         str(folder), f"{len(files)} files, {size} bytes; at most {MOST} files "
                         f"and {LARGEST} bytes", "lay the program alone into a folder of the "
                         "checkout, and save it from there")
    target = paths.program_path(name).with_suffix("")
    for path in files:
        copied = target / path.relative_to(folder)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)
    return target.relative_to(paths.root).as_posix()
