"""The command line: every kind of bad input has its message and its exit code."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.commands.application import COMMANDS
from harness.commands.cli import main
from harness.records.project import Project
from harness.records.writing import dumps, write
from harness.store.store import Store

ROOT = Path(__file__).parents[2]


def harness(project: Project, *arguments: str) -> int:
    """Run a command in a project."""
    return main(["--root", str(project.root), *arguments])


@pytest.fixture
def stored(project: Project, checkout: Project) -> Project:
    """Return a project with the real stored baselines of three environments."""
    for case in ("xor", "imbalanced_binary"):
        shutil.copytree(checkout.baselines / case / "content", project.baselines / case / "content")
        for name in ("reference", "axon-0.6.0", "axon-0.6.1"):
            shutil.copy(checkout.baseline_path(case, name), project.baseline_path(case, name))
    shutil.copy(checkout.root / "results" / "waivers.toml", project.root / "results")
    return project


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["run", "mnist", "--environment", "reference"], 2, "unknown case 'mnist'"),
    (["run", "xor", "--environment", "mxnet-1.0"], 2, "unknown environment"),
    (["run", "xor", "--environment", "reference", "--variant", "x"], 2, "no variant matches"),
    (["compare"], 3, "nothing was compared"),
    (["report"], 3, "nothing was compared"),
    (["compare", "torch-9.9.9"], 2, "unknown environment"),
    (["compare", "axon-0.6.1", "--against", "axon-9"], 2, "unknown environment"),
    (["compare", "axon-0.6.1", "--case", "mnist"], 2, "unknown case"),
    (["compare", "axon-0.6.1", "--variant", "nope"], 2, "no variant matches 'nope'"),
    (["run", "--environment", "reference", "--faults"], 2, "the adapter reference has no faults"),
    (["run", "xor", "--environment", "reference", "--native"], 2, "no case here has native"),
    (["run", "--environment", "reference", "--native", "--seeds", "1"], 3, "has no native"),
    (["faults"], 2, "nothing was trained under faults"),
    (["faults", "torch-9.9"], 2, "unknown environment"),
    (["native"], 2, "no native runs"),
    (["accept", "torch-2.13.0", "--reason", "x"], 2, "no run to accept"),
    (["accept", "torch-2.13.0"], 2, "needs an environment and a reason"),
    (["accept", "--reason", "x"], 2, "needs an environment and a reason"),
    (["accept", "--undo"], 2, "no accept to take back"),
    (["accept", "torch-2.13.0", "--undo"], 2, "takes back the last accept, whatever it was"),
    (["accept", "torch-2.13.0", "xor", "--reason", "x"], 3, "has not been measured"),
    (["import", "none.json"], 3, "no such file"),
])
def test_bad_input(stored: Project, capsys: pytest.CaptureFixture[str], arguments: list[str],
                   code: int, words: str) -> None:
    """What is asked wrongly is named on standard error, with the exit code of its kind."""
    assert harness(stored, *arguments) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "words"), [
    (["frobnicate"], "Unknown command"), (["compere"], 'Did you mean "compare"?'),
    (["compare", "--aginst", "baseline"], "Did you mean --against?"),
    (["history", "xor", "--nights", "0"], "Must be >= 1"), (["--root"], "needs a folder"),
    (["--root", "none/such", "list"], "names no folder")])
def test_wrong_use_is_exit_code_2(arguments: list[str], words: str,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    """What is not understood has its exit code, the nearest word and the next command."""
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert words in said and "next:  harness" in said


def test_no_command_shows_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    """That is wrong use as well."""
    assert main([]) == 2
    told = capsys.readouterr().out
    assert all(name in told for commands in COMMANDS.values() for name in commands)


@pytest.mark.parametrize("name", [name for group in COMMANDS.values() for name in group])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its help has every parameter explained, and an example unless argparse shows it."""
    if name == "run":
        with pytest.raises(SystemExit):
            main([name, "--help"])
    else:
        assert main([name, "--help"]) == 0
        assert "Example: " in capsys.readouterr().out
    target, *_ = {k: v for group in COMMANDS.values() for k, v in group.items()}[name]
    module, _, attribute = target.partition(":")
    command = getattr(importlib.import_module(f"harness.commands.{module}"), attribute)
    explained = inspect.getdoc(command) or ""
    for parameter in inspect.signature(command).parameters:
        assert parameter == "here" or f"    {parameter}: " in explained


def test_outside_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                           capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no checkout, that is said, and how to name one."""
    monkeypatch.chdir(tmp_path)
    assert main(["list"]) == 2
    assert "--root" in capsys.readouterr().err


def test_compare_two_stored_baselines(stored: Project, capsys: pytest.CaptureFixture[str],
                                      tmp_path: Path) -> None:
    """The upgrade question is answered from the store, in words and in JSON."""
    output = tmp_path / "out.json"
    code = harness(stored, "compare", "axon-0.6.1", "--against", "axon-0.6.0",
                   "--case", "imbalanced_binary", "--json", str(output))
    text = capsys.readouterr().out
    assert code == 1
    assert "regression" in text
    assert "the first tensor that is off: gradient of dense_1.bias" in " ".join(text.split())
    facts = json.loads(output.read_text(), parse_constant=pytest.fail)
    assert facts["counts"]["regression"] == 5
    assert {c["case"] for c in facts["comparisons"]} == {"imbalanced_binary"}


def test_a_waived_difference_is_shown_and_passes(stored: Project,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    """With --all the known defect is in brackets, with its reason; without, it is counted."""
    assert harness(stored, "compare", "axon-0.6.1", "--all") == 0
    text = capsys.readouterr().out
    assert "(regression)" in text
    assert "elixir-nx/axon#535" in text
    assert harness(stored, "compare", "axon-0.6.1") == 0
    text = capsys.readouterr().out
    assert re.search(r"\d+ different, waived", text)
    assert "(regression)" not in text and "axon#535" not in text


def test_import_then_accept(project: Project, checkout: Project,
                            capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A record of another program is checked, taken in, shown, and accepted with a reason."""
    source = tmp_path / "stranger.json"
    write(Store(checkout).baseline("xor", "axon-0.6.0"), source)
    assert harness(project, "import", str(source)) == 0
    assert harness(project, "accept", "axon-0.6.0", "--reason", "from a friend") == 0
    assert "first baseline" in capsys.readouterr().out
    accepted = json.loads(project.baseline_path("xor", "axon-0.6.0").read_text())["accepted"]
    assert accepted["reason"] == "from a friend"


def test_accept_shows_what_it_changes(project: Project, measured: object,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    """Mean relative change and steps by size come first; --dry-run changes nothing."""
    write(measured, project.run_path("imbalanced_binary", "torch-2.13.0"))
    assert harness(project, "accept", "torch-2.13.0", "--reason", "first") == 0
    before = project.baseline_path("imbalanced_binary", "torch-2.13.0").read_text()
    path = project.run_path("imbalanced_binary", "torch-2.13.0")
    data = json.loads(path.read_text())
    loss = data["variants"]["bce_sigmoid-sgd_0.1"]["trajectories"]["float64"]["loss"]
    loss[100:] = [value * 1.001 for value in loss[100:]]
    path.write_text(json.dumps(data))
    assert harness(project, "accept", "torch-2.13.0", "--reason", "second", "--dry-run") == 0
    text = capsys.readouterr().out
    assert "1 of 4 loss curves change" in text
    assert "+7.50e-04" in text
    assert project.baseline_path("imbalanced_binary", "torch-2.13.0").read_text() == before


@pytest.mark.parametrize(("change", "words"), [
    (lambda d: d["provenance"].update(data_sha256="0" * 64), "other data"),
    (lambda d: next(iter(d["variants"].values())).update(weights_sha256="0" * 64),
     "other initial weights"),
    (lambda d: d["variants"].update(nope=next(iter(d["variants"].values()))), "unknown variant"),
    (lambda d: d.update(case="mnist"), "unknown case"),
    (lambda d: [curve.pop() for name, curve in next(iter(d["variants"].values()))["trajectories"][
        "float32"].items() if name in ("loss", "gradient_norm", "update_norm")],
     "another number of steps"),
])
def test_records_of_other_inputs_are_refused(project: Project, checkout: Project,
                                             capsys: pytest.CaptureFixture[str], tmp_path: Path,
                                             change: object, words: str) -> None:
    """Other data, weights, variants, cases or steps are errors, never differences."""
    data = json.loads(dumps(Store(checkout).baseline("xor", "axon-0.6.0")))
    change(data)  # type: ignore[operator]
    source = tmp_path / "other.json"
    source.write_text(json.dumps(data))
    assert harness(project, "import", str(source)) in (2, 3)
    assert words in capsys.readouterr().err
    assert not list(project.runs.glob("*/*.json"))


def test_a_damaged_run_does_not_hide_the_others(stored: Project,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    """A truncated record is an error of its environment; the rest is compared."""
    path = stored.run_path("xor", "torch-2.13.0")
    path.parent.mkdir(parents=True)
    path.write_text('{"format":1,')
    assert harness(stored, "compare") == 3
    text = capsys.readouterr().out
    assert "truncated or damaged" in text
    assert "axon-0.6.1" in text


def test_list(stored: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything that has a name is listed."""
    assert harness(stored, "list") == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("imbalanced_binary", "axon-0.6.1", "torch-2.13.0"))


@pytest.mark.parametrize("arguments", [
    ["torch-2.13.0", "--reason", "first", "imbalanced_binary"],
    ["--reason", "first", "torch-2.13.0", "imbalanced_binary"],
    ["torch-2.13.0", "imbalanced_binary", "--reason", "first"]])
def test_names_and_options_stand_in_any_order(project: Project, measured: object,
                                              arguments: list[str]) -> None:
    """A case after the reason is a case, as it is before."""
    write(measured, project.run_path("imbalanced_binary", "torch-2.13.0"))
    assert harness(project, "accept", *arguments) == 0
    assert project.baseline_path("imbalanced_binary", "torch-2.13.0").exists()


def test_what_somebody_wrote_is_listed_as_it_is(stored: Project,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets in a waiver's reason are text, and no markup."""
    path = stored.root / "results" / "waivers.toml"
    path.write_text(path.read_text().replace('reason = "', 'reason = "[epoch, 0] ', 1))
    assert harness(stored, "list") == 0
    assert "[epoch, 0]" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", [["list"], ["compare"], ["report"]])
def test_a_label_that_measures_nothing_is_refused(stored: Project, command: list[str],
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    """It does not stand for all environments."""
    assert harness(stored, *command, "--label", "tests") == 2
    assert "names no environment" in capsys.readouterr().err


def test_an_unknown_release_has_a_nearest_one(stored: Project,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    """The nearest version comes first, and all are in order."""
    assert harness(stored, "compare", "torch-2.3.0") == 2
    said = capsys.readouterr().err
    assert "found: nearest: torch-2.3.1; known: torch-1.8.1, torch-1.9.1, torch-1.10.2" in said


@pytest.mark.parametrize("environment", ["torch", "reference-2"])
def test_a_framework_without_a_version_is_no_environment(
        project: Project, environment: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused before anything is measured."""
    assert harness(project, "run", "xor", "--environment", environment) == 2
    assert "unknown environment" in capsys.readouterr().err


def test_a_bare_interpreter_is_told_how_to_measure(project: Project) -> None:
    """Without NumPy there is no traceback, but the command that makes the environment."""
    command = [sys.executable, "-I", "-S", "-c", (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from harness.commands.cli import main; "
        f"sys.exit(main(['--root', {str(project.root)!r}, 'run', '--environment', "
        "'torch-2.13.0']))")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert "next:  tox run -e torch-2.13.0" in result.stderr


def test_what_is_not_supported_is_told_with_its_reason(
        project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """An activation that no framework knows is named where the run says that it is done."""
    path = project.root / "cases" / "xor.py"
    path.write_text(path.read_text().replace('"relu"), optimizer', '"reluu"), optimizer'))
    assert harness(project, "run", "xor", "--environment", "reference", "--variant", "*relu*") == 0
    assert "1 unsupported (the reference has no activation 'reluu')" in " ".join(capfd.readouterr())
