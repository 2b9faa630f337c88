"""The arrows between modules: inside never imports outside, and nobody a framework."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSIDE = {
    "__init__", "__main__", "arguments", "case", "description", "dropout", "environment", "errors",
    "escaping", "faults", "files", "inputs", "invariances", "layers", "leash", "losses",
    "manifest", "metrics", "native", "native_record", "native_runs", "optimizers", "orders",
    "padding", "partial", "paths", "probes", "process", "processor", "progress", "project",
    "provenance", "record", "serialization", "settings", "signals", "stream", "supervisor",
    "worker"}
FRAMEWORKS = {"torch", "tensorflow", "keras"}
MODULES = sorted((ROOT / "harness").rglob("*.py"))


def imports(path: Path, inside_functions: bool) -> set[str]:
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


def is_inside(path: Path) -> bool:
    """Return whether a module of harness/ belongs to the inside half."""
    if path.parent.name == "harness":
        return path.stem in INSIDE
    if path.parent.name == "commands":
        return path.stem in ("__init__", "measuring")
    return path.relative_to(ROOT / "harness").parts[0] in ("adapters", "reference")


def framework(path: Path) -> str | None:
    """Return the framework that a module may import: that of its adapter."""
    return path.parent.name if path.parent.parent.name == "adapters" else None


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_inside_imports_standard_library_numpy_and_inside_only(path: Path) -> None:
    """The inside half stands on the standard library, NumPy, itself and one framework."""
    import sys

    if not is_inside(path) or path.stem == "__main__":
        return
    allowed = set(sys.stdlib_module_names) | {"numpy", framework(path)}
    if path.parent.name == "adapters" and path.stem in ("torch", "tensorflow"):
        allowed.add(path.stem)
    if path.stem == "progress":
        allowed.add("tqdm")
    for name in imports(path, inside_functions=True):
        top = name.split(".")[0]
        if top == "harness":
            part = name.split(".")[1] if "." in name else "__init__"
            known = INSIDE | {"adapters", "reference", "__version__"}
            if path.stem == "measuring":
                known = known | {"scale"}  # on a cluster's client only, which is outside
            assert part in known, f"{path.name} imports {name}"
        else:
            assert top in allowed, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_adapters_know_a_framework(path: Path) -> None:
    """No other module imports one, not even inside a function."""
    if framework(path) is None:
        tops = {name.split(".")[0] for name in imports(path, inside_functions=True)}
        assert not tops & FRAMEWORKS


def test_cli_starts_without_the_outside_half() -> None:
    """In a pinned environment the command line has only the standard library and NumPy."""
    tops = {name.split(".")[:2][-1] for name in imports(ROOT / "harness" / "cli.py", False)
            if name.startswith("harness.")}
    assert tops <= INSIDE | {"__version__"}


def test_nothing_is_printed_but_harmlessly() -> None:
    """print() is found in the worker's own process only; everybody else says what was escaped."""
    for path in MODULES:
        names = {node.func.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                 if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        if path.stem != "worker":
            assert "print" not in names, path
        if path.stem not in ("cli", "escaping") and path.parent.name != "commands":
            assert "say" not in names, path


def test_files_can_be_read_in_one_sitting() -> None:
    """The median file is under 150 lines, and none is over 300."""
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES)
    assert lengths[len(lengths) // 2] < 150
    assert lengths[-1] <= 300


def test_everything_that_measures_is_in_the_digest() -> None:
    """A record is measured again whenever a module changes that its worker imports."""
    from harness.inputs import MEASURING

    pending, found = ["worker"], set()
    while pending:
        module = pending.pop()
        path = ROOT / "harness" / f"{module}.py"
        if module in found or not path.exists():
            continue
        found.add(module)
        names = imports(path, inside_functions=True)
        pending += [name.split(".")[1] for name in names if name.startswith("harness.")]
    assert found - set(MEASURING) <= {"errors", "files", "__init__"}
    assert set(MEASURING) <= found | {"description", "faults"}  # which adapters import


@pytest.mark.parametrize("module", ["commands/night", "history"])
def test_a_night_on_which_nothing_changed_imports_little(module: str) -> None:
    """What it needs to say so starts in a moment: no NumPy, no SciPy, nothing that compares."""
    import sys

    pending, found = [f"harness.{module.replace('/', '.')}"], set()
    while pending:
        name = pending.pop()
        path = ROOT / f"{name.replace('.', '/')}.py"
        if name in found or not path.exists():
            continue
        found.add(name)
        imported = imports(path, inside_functions=False)
        pending += [name for name in imported if name.startswith("harness.")]
        assert {name.split(".")[0] for name in imported} <= {"harness", "packaging",
                                                              *sys.stdlib_module_names}
