"""The arrows between rooms: what may import what, and nobody a framework."""

from __future__ import annotations

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "harness"
GROUND = {"__init__", "__main__", "errors", "escaping", "files", "leash", "markdown", "signals",
          "version", "watching", "words"}
"""Modules of no room."""
LAZY = {"__init__": {"notebook"}, "__main__": {"commands"}}
"""Module of the ground -> rooms that it imports when it is asked to."""
BELOW = {
    "callbacks": set(),
    "vocabulary": set(),
    "records": {"vocabulary"},
    "measure": {"records", "vocabulary"},
    "environments": {"records"},
    "store": {"environments", "records", "vocabulary"},
    "compare": {"store", "environments", "records", "vocabulary"},
    "history": {"compare", "environments", "records", "vocabulary"},
    "report": {"compare", "store", "environments", "records", "vocabulary"},
    "programs": {"compare", "environments", "records", "store", "vocabulary"},
    "notebook": {"compare", "environments", "history", "programs", "records", "store"},
    "nightly": {"compare", "environments", "history", "programs", "records", "report", "store",
                "vocabulary"},
    "commands": {"compare", "environments", "history", "measure", "nightly", "notebook",
                 "programs", "records", "report", "store", "vocabulary"},
}
"""Room -> the rooms that it may import."""
INSIDE = ("callbacks", "vocabulary", "records", "measure")
"""Rooms that run in pinned environments, or in those of users' programs."""
COMMANDS_INSIDE = {"__init__", "arguments", "cli", "measure"}
"""Modules of commands/ that run in pinned environments as well."""
FRAMEWORKS = {"torch", "tensorflow", "keras", "jax", "lightning", "transformers"}
BACKENDS = {"torch", "tensorflow", "jax"}
"""Frameworks over which Keras is recorded."""
LARGEST = 12
"""Files of Python in a room."""
MODULES = sorted(HOUSE.rglob("*.py"))


def imports(path: Path, inside_functions: bool = True) -> set[str]:
    """Return the modules a file imports, as written."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if inside_functions else iter(tree.body)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def room(path: Path) -> str | None:
    """Return the room of a module; None on the ground."""
    parts = path.relative_to(HOUSE).parts
    return parts[0] if len(parts) > 1 else None


def rooms(path: Path) -> set[str]:
    """Return the rooms that a module imports."""
    names = {name.split(".")[1] for name in imports(path) if name.startswith("harness.")}
    return names & set(BELOW)


def is_inside(path: Path) -> bool:
    """Return whether a module runs in pinned environments."""
    if room(path) == "commands":
        return path.parent.name == "commands" and path.stem in COMMANDS_INSIDE
    return room(path) in (None, *INSIDE)


def frameworks(path: Path) -> set[str]:
    """Return the frameworks that a module may import: its adapter's, its seams', its callback's."""
    if path.parent.name == "callbacks":
        return {path.stem}
    if path.parent.parent.name not in ("adapters", "recorder"):
        return set()
    return {path.parent.name, *(BACKENDS if path.parent.name == "keras"
                                and path.parent.parent.name == "recorder" else ())}


def name_of(path: Path) -> str:
    """Return a module's name; a room's own is that of its ``__init__``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def arrows(path: Path, known: set[str]) -> set[str]:
    """Return which of the known modules a file imports anywhere, each by its own name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in names}
    return found & known


def modules_from(start: str, inside_functions: bool) -> set[Path]:
    """Return a module and every one of the harness that it imports, directly or not."""
    pending, found = [start], set()
    while pending:
        path = ROOT / f"{pending.pop().replace('.', '/')}.py"
        if path in found or not path.exists():
            continue
        found.add(path)
        pending += [name for name in imports(path, inside_functions)
                    if name.startswith("harness.")]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms_import_rooms_below(path: Path) -> None:
    """No arrow runs back up; what measures and what judges never meet."""
    here = room(path)
    if here is None:
        assert path.stem in GROUND
        assert not rooms(path) - LAZY.get(path.stem, set())
    else:
        assert rooms(path) - {here} <= BELOW[here]


def test_rooms_have_no_circle() -> None:
    """Whatever a room may import is declared before it."""
    declared: set[str] = set()
    for name, below in BELOW.items():
        assert below <= declared
        declared.add(name)


def test_modules_import_each_other_in_no_circle() -> None:
    """None imports one that imports it, neither inside a function nor for its types."""
    known = {name_of(path) for path in MODULES}
    TopologicalSorter({name_of(path): arrows(path, known) for path in MODULES}).prepare()


def test_no_room_is_crowded() -> None:
    """A room has at most twelve files; one that grows gets a room within it."""
    for folder in {path.parent for path in MODULES}:
        assert len(list(folder.glob("*.py"))) <= LARGEST, folder
        assert folder == HOUSE or (folder / "__init__.py").exists(), folder


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_inside_imports_standard_library_numpy_and_inside_only(path: Path) -> None:
    """The inside half stands on the standard library, NumPy, itself and one framework."""
    if not is_inside(path):
        return
    allowed = set(sys.stdlib_module_names) | {"numpy", "harness", *frameworks(path)}
    if path.stem == "progress":
        allowed.add("tqdm")
    assert {name.split(".")[0] for name in imports(path)} <= allowed
    if room(path) == "commands":
        assert rooms(path) <= {*INSIDE, "commands"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_adapters_know_a_framework(path: Path) -> None:
    """No other module imports one, not even inside a function."""
    tops = {name.split(".")[0] for name in imports(path)}
    assert not tops & FRAMEWORKS - frameworks(path)


def test_cli_starts_without_the_outside_half() -> None:
    """In a pinned environment the command line has only the standard library and NumPy."""
    assert all(is_inside(path)
               for path in modules_from("harness.commands.cli", inside_functions=False))


def test_nothing_is_printed_but_harmlessly() -> None:
    """print() is found in the worker's own process only; everybody else says what was escaped."""
    for path in MODULES:
        names = {node.func.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                 if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        if path.stem != "worker":
            assert "print" not in names, path
        if path.stem != "escaping" and room(path) != "commands":
            assert "say" not in names, path


def test_files_can_be_read_in_one_sitting() -> None:
    """None is over 300 lines."""
    for path in MODULES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path


def test_everything_that_measures_is_in_the_digest() -> None:
    """A record is measured again whenever a module changes that its worker imports."""
    from harness.records.freshness import MEASURING

    found = {room(path) for path in modules_from("harness.measure.worker", inside_functions=True)}
    assert found == {None, *MEASURING}


@pytest.mark.parametrize("module", ["commands.night", "history.history"])
def test_a_night_on_which_nothing_changed_imports_little(module: str) -> None:
    """What it needs to say so starts in a moment: no NumPy, no SciPy, nothing that compares."""
    for path in modules_from(f"harness.{module}", inside_functions=False):
        assert {name.split(".")[0] for name in imports(path, inside_functions=False)} <= {
            "cyclopts", "harness", "packaging", *sys.stdlib_module_names}
