"""Paths: whatever becomes a part of one is a name, and stays in its folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.errors import UsageError
from harness.records import writing
from harness.records.paths import Paths, check_name, is_name
from harness.records.project import Project
from harness.records.record import Record
from harness.store.machines import MachineClass

ENVIRONMENT = "torch-2.13.0"
WRONG = ("", ".", "..", "../x", "/x", "a/b", "a\\b", f"{ENVIRONMENT}\n", f"\n{ENVIRONMENT}",
         "torch-2.13.0 ", "torch\x00", "torch-\x1b[2J", ".torch", "-torch", "x" * 121,
         "torch-2.13.0/../../x", "torch-\u202e1", "torch-\ud800")
PATHS: dict[str, Callable[[Paths, str], Path]] = {
    "run_path": lambda p, name: p.run_path("xor", name),
    "run_path case": lambda p, name: p.run_path(name, ENVIRONMENT),
    "failure_path": lambda p, name: p.failure_path("xor", name),
    "baseline_path": lambda p, name: p.baseline_path("xor", name),
    "baseline_path machine": lambda p, name: p.baseline_path("xor", ENVIRONMENT, name or "..-x"),
    "partial_path": lambda p, name: p.partial_path("xor", name),
    "native_partial_path": lambda p, name: p.native_partial_path(name, ENVIRONMENT),
    "manifest_path": lambda p, name: p.manifest_path(name),
    "native_run_path": lambda p, name: p.native_run_path("xor", name),
    "native_baseline_path": lambda p, name: p.native_baseline_path("xor", name),
    "content_path": lambda p, name: p.content_path("xor", name),
    "log_path": lambda p, name: p.log_path(name),
    "lock_path": lambda p, name: p.lock_path(name),
    "under": lambda p, name: p.under(name).runs,
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_no_path_takes_what_is_no_name(tmp_path: Path, path: Callable[[Paths, str], Path]) -> None:
    """Separators, white space, control characters and dots at the beginning are refused."""
    for name in WRONG:
        with pytest.raises(UsageError, match="not a valid"):
            path(Paths(tmp_path), name)


def test_real_names_are_names(checkout: Project) -> None:
    """Every case, variant and environment of the matrix is one."""
    from harness.environments.names import pinned

    assert all(is_name("case", name) for name in checkout.case_names())
    names = (*pinned(checkout.root), "axon-0.6.1.dev1+57c75e52")
    assert all(is_name("environment", name) for name in names)
    assert all(is_name("variant", variant.name) for case in checkout.cases()
               for variant in case.variants)
    assert check_name("environment", ENVIRONMENT) == ENVIRONMENT
    assert not is_name("environment", 5)


def test_a_machine_has_a_name_whatever_its_record_says(tmp_path: Path) -> None:
    """The folder of a baseline of another class of machine lies where its case does."""
    for said in ("x86_64", "../../x", "a b", "", "\x1b[2J", "."):
        name = MachineClass(said or "unknown", said or "default").name
        assert is_name("machine", name)
        path = Paths(tmp_path).baseline_path("xor", ENVIRONMENT, name)
        assert path.parents[1] == tmp_path / "results" / "baselines" / "xor"


def test_a_link_out_of_the_results_is_refused(tmp_path: Path) -> None:
    """A folder of a case that lies elsewhere is not written to; one that lies inside is."""
    paths = Paths(tmp_path / "project")
    paths.runs.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (paths.runs / "xor").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="leads out"):
        paths.run_path("xor", ENVIRONMENT)
    (paths.runs / "mnist").symlink_to(paths.runs / "other")
    assert paths.run_path("mnist", ENVIRONMENT).name == f"{ENVIRONMENT}.json"


def curve(project: Project, folder: Path, **changes: object) -> Path:
    """Write a curve as it was recorded of Axon, with its data beside it."""
    steps = project.batches(project.case("xor")).steps
    (folder / "curves").mkdir(parents=True)
    (folder / "data").symlink_to(project.root / "cases" / "data")
    path = folder / "curves" / "curve.json"
    path.write_text(json.dumps({
        "case": "xor", "variant": "sgd0.1", "version": "0.6.0", "nx_version": "0.7.3",
        "config": {"lr": 0.1, "optimizer": "sgd"}, "loss": [0.5] * steps,
        "params_nonfinite_from_iteration": None, "pred_00_01_10_11": [0.0, 1.0, 1.0, 0.0],
        **changes}), encoding="utf-8")
    return path


@pytest.mark.parametrize("changes", [
    {"version": "/../../../baselines/xor/reference"}, {"version": "0.6.0\n"},
    {"version": "../x"}, {"case": "../xor"}, {"loss": ["abc"]}, {"loss": []},
    {"params_nonfinite_from_iteration": "abc"}, {"params_nonfinite_from_iteration": -5},
    {"pred_00_01_10_11": [None]}, {"pred_00_01_10_11": [1.0]}, {"config": None},
    {"config": {"lr": "x", "optimizer": "sgd"}}, {"version": 5}, {"nx_version": {}}])
def test_a_curve_writes_nothing_but_its_run(project: Project, tmp_path: Path,
                                            capsys: pytest.CaptureFixture[str],
                                            changes: dict[str, object]) -> None:
    """A version, or anything else, that leads elsewhere is refused, and no file is written."""
    path = curve(project, tmp_path / "axon", **changes)
    before = sorted(tmp_path.rglob("*"))
    assert main(["--root", str(project.root), "import", str(path)]) == 3
    assert sorted(tmp_path.rglob("*")) == before
    assert "Traceback" not in capsys.readouterr().err


def test_a_curve_becomes_a_run(project: Project, tmp_path: Path) -> None:
    """What is right is taken in."""
    path = curve(project, tmp_path / "axon")
    assert main(["--root", str(project.root), "import", str(path)]) == 0
    assert project.run_path("xor", "axon-0.6.0").exists()


@pytest.mark.parametrize("name", [f"{ENVIRONMENT}\n", "../x", "a/b"])
def test_a_record_must_have_a_name(project: Project, measured: Record, tmp_path: Path,
                                   name: str) -> None:
    """An environment that only begins like a name is refused."""
    path = tmp_path / "record.json"
    text = writing.dumps(measured).replace(json.dumps(ENVIRONMENT), json.dumps(name), 1)
    path.write_text(text, encoding="utf-8")
    assert main(["--root", str(project.root), "import", str(path)]) == 3
    assert not project.runs.exists()
