"""The command that tries a program: its words, its options, and what it leaves."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from harness.commands import trying
from harness.commands.cli import main
from harness.programs.judging.judge import judge
from harness.programs.runs.launching import Side
from harness.programs.runs.running import Program
from harness.programs.runs.tried import Tried
from harness.programs.sides.asked import Difference
from harness.programs.sides.making import Environment
from harness.records.project import Project
from harness.vocabulary.program import load
from tests.kit import traces
from tests.kit.traces import Fault


def tried(folder: Path, fault: Fault | None = None) -> Tried:
    """Return what a session found."""
    runs = {"baseline": traces.train(), "observed": traces.train(fault),
            **{f"perturbed-{i}": one for i, one in enumerate(traces.perturbed(), 1)},
            "repeated": traces.train()}
    judgement = judge(runs["observed"], runs["baseline"],
                      [run for name, run in runs.items() if name.startswith("perturbed")],
                      runs["repeated"])
    sides = [Side(name, Environment(Path(sys.executable), "3.11.7", {"torch": version}), folder,
                  {}) for name, version in (("baseline", "2.3.1"), ("observed", "2.14.1"))]
    return Tried(("train.py",), sides[0], sides[1], judgement, None,
                 (Difference("package", "torch", "2.3.1", "2.14.1", True),), ("a note",),
                 dict.fromkeys(runs, 1.0), runs)


@pytest.mark.parametrize(("words", "said"), [
    ([], "no program is named"), (["python"], "no program is named"),
    (["python3.12", "-O", "train.py"], "options of Python")])
def test_what_is_no_program_is_refused(words: list[str], said: str,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong use, before anything is made."""
    assert main(["try", "--baseline", "torch==2.3.1", "--observed", "torch==2.14.1", "--",
                 *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("options", "said"), [
    (["--observed-env", "novalue"], "a name and a value"),
    (["--output", "model.pt"], "cannot be read"),
    (["--keep", "."], "not empty"),
    (["--limit", "0"], "limit")])
def test_wrong_options_are_refused(options: list[str], said: str, tmp_path: Path,
                                   monkeypatch: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    """Each has a message that says what is wrong."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    assert main(["try", "--baseline", "a", "--observed", "b", *options, "--", "train.py"]) == 2
    assert said in capsys.readouterr().err


def test_an_answer_fits_a_terminal_and_names_the_versions(tmp_path: Path) -> None:
    """At most twenty lines: verdict, versions, place, and what differs between the sides."""
    found = tried(tmp_path, Fault(gradient=lambda step, name, value:
                                  value * 2 if step >= 3 and name == "head.weight" else value))
    lines = found.lines(["the next command"])
    assert len(lines) <= 20 and lines[-1] == "  next: the next command"
    assert "torch 2.14.1 against torch 2.3.1" in lines[0]
    assert any("head.weight" in line for line in lines)
    assert any("nothing else moved" in line for line in lines)


def test_an_answer_is_json_and_markdown_as_well(tmp_path: Path) -> None:
    """Sides, runs and notes are in the JSON; the packages that differ in the Markdown."""
    found = tried(tmp_path)
    told = json.loads(found.to_json())
    assert (told["verdict"], told["program"]) == ("identical", ["train.py"])
    assert told["sides"]["observed"]["packages"] == {"torch": "2.14.1"}
    assert told["session"]["notes"] == ["a note"]
    assert "| torch | 2.14.1 | 2.3.1 |" in found.to_markdown().replace("`", "")
    assert found.facts()["between"]["differences"][0]["name"] == "torch"
    assert found.facts()["between"]["sentence"] == "torch 2.3.1 -> 2.14.1; nothing else moved"


def test_a_program_is_saved_as_a_case(project: Project, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    """The declaration is in the project here, and the next commands are told."""
    folder = project.root / "examples"
    folder.mkdir()
    monkeypatch.chdir(folder)
    trying._save(tried(folder), Program(("train.py",), steps=20), "mine")
    found = load(project.program_path("mine"))
    assert (found.words, found.folder, found.steps) == (("train.py",), "examples", 20)
    assert "harness accept ENV mine" in capsys.readouterr().out
