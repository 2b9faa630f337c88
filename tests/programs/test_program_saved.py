"""Programs of users as cases of this project: declared, measured, compared, accepted."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.compare.checks.finding import Verdict
from harness.compare.compare import Question
from harness.errors import HarnessError, RecordError, UsageError
from harness.files import pack
from harness.history import history
from harness.measure.recorder.programs import saved
from harness.nightly import job, outputs
from harness.programs.runs.launching import Side
from harness.programs.runs.running import Program as Tried
from harness.programs.saved import accepting, comparing, declaring, kept
from harness.programs.saved import timeline as tracing
from harness.programs.sides.making import Environment
from harness.records.project import Project
from harness.store import programs as stored
from harness.vocabulary.program import load
from tests.kit import nights, traces
from tests.kit.programs import DOUBLED, NEW, OLD, TOY, declare, enter, furnish, of_commit, put


@pytest.fixture
def toy(project: Project) -> Project:
    """Return a project with the toy, two baselines, and a run like its own."""
    return furnish(project)



def test_a_declaration_is_toml_and_read_without_a_reader_of_toml(project: Project) -> None:
    """What is written is read back, and TOML says the same."""
    declare(project)
    path = project.program_path("toy")
    assert load(path) == TOY
    assert tomllib.loads(path.read_text())["words"] == list(TOY.words)


@pytest.mark.parametrize("text", [
    "", "words = train.py\n", 'words = ["a"]\nwords = ["b"]\n', 'colour = "red"\n',
    'words = ["a.py"]\nfolder = "../elsewhere"\nenvironments = ["torch-*"]\n',
    'words = ["a.py"]\nfolder = "x"\nenvironments = ["torch-*"]\nevery = 0\n',
    'words = [1]\nfolder = "x"\nenvironments = ["torch-*"]\n'])
def test_a_declaration_that_cannot_be_is_refused(project: Project, text: str) -> None:
    """The message names the file and what is wrong in it."""
    declare(project)
    path = project.program_path("toy")
    path.write_text(text)
    with pytest.raises(HarnessError, match="declaration of a program") as caught:
        load(path)
    assert caught.value.where == str(path)


def side(folder: Path, **packages: str) -> Side:
    """Return a side with these packages."""
    return Side("baseline", Environment(Path(sys.executable), "3.11.0", packages), folder,
                {"SEED": "1"}, ("--fast",))


def test_a_program_elsewhere_is_copied_into_the_checkout(project: Project, tmp_path: Path) -> None:
    """The declaration names the copy; variables and arguments are kept."""
    folder = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text("")
    (folder / "train.py").write_text("x")
    path = declaring.declare(project, "mine", Tried(("train.py",)), side(folder, torch="2.13.0"))
    found = load(path)
    assert (found.folder, found.words) == ("cases/programs/mine", ("train.py", "--fast"))
    assert (found.environments, found.variables) == (("torch-*",), ("SEED=1",))
    assert (project.root / found.folder / "train.py").read_text() == "x"
    assert not (project.root / found.folder / ".git").exists()
    with pytest.raises(UsageError, match="already"):
        declaring.declare(project, "mine", Tried(("train.py",)), side(folder, torch="2.13.0"))


def test_a_program_in_the_checkout_is_referred_to(project: Project) -> None:
    """Nothing is copied, and standalone Keras is its own family."""
    folder = project.root / "examples"
    folder.mkdir()
    path = declaring.declare(project, "mine", Tried(("train.py",)),
                             side(folder, keras="3.5.0", torch="2.13.0"))
    assert (load(path).folder, load(path).environments) == ("examples", ("keras-*",))


@pytest.mark.parametrize(("name", "packages", "words"), [
    ("Mine!", {"torch": "2.13.0"}, "not a valid name"), ("xor", {"torch": "2.13.0"}, "already"),
    ("mine", {"jax": "0.4"}, "could measure")])
def test_what_cannot_be_saved_is_told(project: Project, name: str, packages: dict[str, str],
                                      words: str) -> None:
    """A wrong name, a taken one, and a framework that nothing pins."""
    with pytest.raises(UsageError, match=words):
        declaring.declare(project, name, Tried(("train.py",)),
                          side(project.root / "cases", **packages))


def test_a_program_that_trains_nothing_leaves_no_runs(project: Project) -> None:
    """An earlier run does not stand for it."""
    declare(project)
    (project.root / TOY.folder).mkdir()
    (project.root / TOY.folder / "train.py").write_text(
        "open('metrics.json', 'w').write('{}'); print('hello')")
    put(project.program_run_path("toy", NEW), traces.train(), noise=False)
    with pytest.raises(HarnessError, match="trains nothing"):
        saved.measure(project, NEW, load(project.program_path("toy")))
    assert stored.measured(project, "toy") == []


def test_a_program_that_fails_is_told_with_its_last_words(project: Project) -> None:
    """The message has the environment and the lines."""
    declare(project)
    (project.root / TOY.folder).mkdir()
    (project.root / TOY.folder / "train.py").write_text("raise SystemExit('the reason')")
    with pytest.raises(HarnessError, match="the reason"):
        saved.measure(project, NEW, load(project.program_path("toy")))


def test_programs_are_measured_where_they_are_declared_for(project: Project) -> None:
    """A pattern of environments decides, and names choose."""
    declare(project)
    assert [program.name for program in saved.due(project, NEW, ())] == ["toy"]
    assert saved.due(project, "keras-3.15.1", ()) == saved.due(project, NEW, ["xor"]) == []


def test_the_same_run_is_identical_whatever_the_clock_says(toy: Project) -> None:
    """What an unchanged run prints otherwise is not compared."""
    report = comparing.compare(toy, Question(cases=("toy",)))
    assert [(c.against, c.baseline, c.verdict) for c in report.comparisons] == [
        ("baseline", NEW, Verdict.IDENTICAL), ("previous", OLD, Verdict.IDENTICAL)]


def test_a_difference_names_channel_step_and_tensor(toy: Project) -> None:
    """A doubled gradient is found as one, with what proves it."""
    put(toy.program_run_path("toy", NEW), traces.train(DOUBLED))
    comparison = comparing.compare(toy, Question(cases=("toy",))).comparisons[0]
    assert comparison.verdict.is_difference
    assert comparison.cause is not None
    assert (comparison.cause.phase, comparison.cause.step) == ("gradient", 3)
    assert comparison.cause.tensor == "gradient of head.weight"


def test_rounding_is_equivalent(toy: Project) -> None:
    """Another order of adding up is no difference."""
    put(toy.program_run_path("toy", NEW), traces.train(reverse=True))
    report = comparing.compare(toy, Question(cases=("toy",)))
    assert {c.verdict for c in report.comparisons} == {Verdict.EQUIVALENT}


def test_a_printed_number_that_differs_is_a_metric(toy: Project) -> None:
    """All is equal but what the program prints."""
    put(toy.program_run_path("toy", NEW), traces.train(), printed="loss 0.9\ntime 1.25\n")
    comparison = comparing.compare(toy, Question(cases=("toy",))).comparisons[0]
    assert comparison.cause is not None and comparison.cause.phase == "metric"


def test_waivers_cover_programs(toy: Project) -> None:
    """A known difference of a program is waived like any other."""
    put(toy.program_run_path("toy", NEW), traces.train(DOUBLED))
    fields = {"environment": NEW, "against": "*", "case": "toy", "variant": "*", "check": "*",
              "at_most": 1e9, "reason": "known", "upstream": "#1", "date": "2026-01-01"}
    (toy.root / "results" / "waivers.toml").write_text("[[waiver]]\n" + "".join(
        f"{name} = {json.dumps(value)}\n" for name, value in fields.items()))
    report = comparing.compare(toy, Question(cases=("toy",)))
    assert all(c.is_waived for c in report.comparisons) and report.exit_code == 0


def test_without_a_baseline_the_way_to_one_is_told(toy: Project) -> None:
    """It is missing, and the next command is an accept."""
    for environment in (OLD, NEW):
        toy.program_baseline_path("toy", environment).unlink()
    comparison = comparing.compare(toy, Question(cases=("toy",))).comparisons[0]
    assert comparison.verdict is Verdict.MISSING
    assert f"harness accept {NEW} toy" in comparison.problem


@pytest.mark.parametrize("content", [b"no zip", pack({"evil/../x": b""}), pack({"run.json": b"3"}),
                                     pack({"run.json": b"{}"})])
def test_damaged_runs_are_errors(toy: Project, content: bytes) -> None:
    """What is no runs of a program is never a match."""
    toy.program_run_path("toy", NEW).write_bytes(content)
    report = comparing.compare(toy, Question(cases=("toy",)))
    assert {c.verdict for c in report.comparisons} == {Verdict.ERROR}


def test_accepting_needs_whole_runs_and_keeps_the_reason(toy: Project) -> None:
    """What is the baseline to the bit is not accepted; a difference is, with its reason."""
    with pytest.raises(HarnessError, match="nothing to accept"):
        accepting.prepare(toy, "toy", NEW, {})
    put(toy.program_run_path("toy", NEW), traces.train(DOUBLED), outside=["the file /a"])
    path, content = accepting.prepare(toy, "toy", NEW, {"reason": "the loss was changed"})
    path.write_bytes(content)
    assert kept.read(path).facts["accepted"]["reason"] == "the loss was changed"
    assert "outside" not in kept.read(path).facts  # it names folders of a machine


def test_commands_take_programs_by_name(toy: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """compare and accept know a program, and end with the project's exit codes."""
    root = ["--root", str(toy.root)]
    assert main([*root, "compare", "--case", "toy"]) == 0
    put(toy.program_run_path("toy", NEW), traces.train(DOUBLED))
    assert main([*root, "compare", "--case", "toy"]) == 1
    assert main([*root, "accept", NEW, "toy", "--reason", "why", "--dry-run"]) == 0
    assert "gradient" in capsys.readouterr().out
    assert main([*root, "accept", NEW, "toy", "--reason", "why"]) == 0
    assert main([*root, "compare", NEW, "--case", "toy", "--against", "baseline"]) == 0


def test_the_timeline_has_a_line_for_a_program(
        toy: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Versions that behave the same are one group, and a change is named with its phase."""
    put(toy.program_baseline_path("toy", "torch-2.14.1"), traces.train(DOUBLED))
    found, = tracing.load(toy, (), ["toy"], ())
    line, = found.lines
    assert [group.versions for group in line.groups] == [[OLD, NEW], ["torch-2.14.1"]]
    assert [change.findings[0].phase for change in line.changes] == ["gradient"]
    assert main(["--root", str(toy.root), "timeline", "--case", "toy"]) == 1
    assert "gradient" in capsys.readouterr().out


def test_programs_are_listed(toy: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """With what is run, where, and which baselines there are."""
    assert main(["--root", str(toy.root), "list"]) == 0
    assert "train.py --epochs 2" in capsys.readouterr().out


def test_a_night_counts_what_was_measured_in_it(toy: Project, matrix: Project) -> None:
    """A program of another night is missing; one of tonight is compared and can alarm."""
    declare(matrix)
    for name in ("torch-2.13.0", "torch-2.14.1"):
        put(matrix.program_baseline_path("toy", name), traces.train())
        put(matrix.program_run_path("toy", name), traces.train())
        enter(matrix, name, nights.NIGHT)
    found = job.run(matrix, ["torch-2.13.0", "torch-2.14.1"], nights.NIGHT,
                    measure=nights.Machine())
    verdicts = {(c.observed, c.against): c.verdict for c in found.report.comparisons
                if c.case == "toy"}
    assert set(verdicts.values()) == {Verdict.IDENTICAL} and len(verdicts) == 3
    other = job.run(matrix, ["torch-2.13.0"], "another", measure=nights.Machine())
    assert [c.verdict for c in other.report.comparisons if c.case == "toy"] == [Verdict.MISSING]


def test_a_night_confirms_an_alarm_of_a_program(matrix: Project) -> None:
    """The program is measured once more beside a control, like any case."""
    declare(matrix)
    for name in ("torch-2.13.0", "torch-2.14.1"):
        put(matrix.program_baseline_path("toy", name), traces.train())
        put(matrix.program_run_path("toy", name), traces.train(
            DOUBLED if name == "torch-2.14.1" else None))
        enter(matrix, name, nights.NIGHT)

    def measure(environment: str, cases: object, project: Project, native: bool) -> None:
        put(project.program_run_path("toy", environment), traces.train(
            DOUBLED if environment == "torch-2.14.1" else None))
        enter(project, environment, nights.NIGHT)

    found = job.run(matrix, ["torch-2.13.0", "torch-2.14.1"], nights.NIGHT, measure=measure)
    assert [one.word for one in found.confirmations] == ["confirmed (gradient)"]
    assert len(outputs.write(matrix, found)) == 4, found.problems
    assert "toy" in (matrix.root / "results" / "summary.md").read_text()
    verdicts = history.load(history.path_of(matrix), "toy").verdicts
    assert {(side.environment, told.phase) for side, told in verdicts.items()} >= {
        ("torch-2.14.1", "gradient"), ("torch-2.13.0", None)}


def test_runs_of_programs_are_merged(toy: Project, tmp_path: Path) -> None:
    """What another machine measured of a program is taken in."""
    shard = Project(tmp_path, tmp_path / "shard")
    put(shard.program_run_path("toy", OLD), traces.train(), inputs=of_commit(toy))
    assert main(["--root", str(toy.root), "merge", str(shard.runs)]) == 0
    assert stored.measured(toy, "toy") == [OLD, NEW]


def test_a_damaged_trace_in_a_zip_is_an_error(toy: Project) -> None:
    """The trace itself is read as strictly as any."""
    members = {"trace.npz": b"0", "printed.txt": b"", "run.json": b"{}"}
    toy.program_run_path("toy", NEW).write_bytes(pack(members))
    with pytest.raises(RecordError):
        kept.read(toy.program_run_path("toy", NEW)).trace()
