"""Runs of a saved program are kept while nothing that they depend on has changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.measure.recorder.programs import fresh, saved
from harness.programs.saved.kept import read
from harness.records import manifest
from harness.records.project import Project
from harness.vocabulary.program import load
from tests.kit import traces
from tests.kit.programs import NEW, TOY, declare, put

ROOT = Path(__file__).parents[2]
SOURCE = '"""/a path in the documentation"""\nimport data\nprint("loss 1/2", data.SIZE)\n'


@pytest.fixture
def kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project with a program whose last runs are still true."""
    monkeypatch.setattr(sys, "argv", ["harness"])
    declare(project)
    folder = project.root / TOY.folder
    folder.mkdir()
    (folder / "train.py").write_text(SOURCE)
    (folder / "data.py").write_text("SIZE = 3\n")
    measure(project)
    return project


def measure(project: Project, **facts: object) -> None:
    """Write what runs leave that were measured from what is there now."""
    program = load(project.program_path("toy"))
    told = {"inputs": fresh.digests(project, program), "outside": [], "baseline": None}
    put(project.program_run_path("toy", NEW), traces.train(), **{**told, **facts})


def why(project: Project) -> str | None:
    """Return why the program must be measured."""
    return fresh.due(project, load(project.program_path("toy")), NEW)


def test_what_nothing_changed_for_is_kept(kept: Project) -> None:
    """And a file that no run gets changes nothing."""
    (kept.root / TOY.folder / "__pycache__").mkdir()
    (kept.root / TOY.folder / "__pycache__" / "data.pyc").write_bytes(b"1")
    assert why(kept) is None


@pytest.mark.parametrize("file", ["train.py", "data.py", "new.csv"])
def test_every_file_of_the_folder_counts(kept: Project, file: str) -> None:
    """The program, what it imports, and data that it may read."""
    with (kept.root / TOY.folder / file).open("a") as stream:
        stream.write("# changed\n")
    assert why(kept) == "the program or its declaration changed"


def test_the_declaration_counts(kept: Project) -> None:
    """Another argument is another program."""
    path = kept.program_path("toy")
    path.write_text(path.read_text().replace("steps = 20", "steps = 21"))
    assert why(kept) == "the program or its declaration changed"


@pytest.mark.parametrize("part", ["harness", "packages", "files", "machine", "variables"])
def test_what_it_runs_on_counts(kept: Project, part: str) -> None:
    """The recorder, what is installed, the machine, and environment variables."""
    inputs = fresh.digests(kept, load(kept.program_path("toy")))
    measure(kept, inputs={**inputs, part: "0" * 64})
    assert why(kept) == fresh.WORDS[part]


def test_a_variable_counts_unless_it_always_changes(
        kept: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed does, the name of a night does not."""
    monkeypatch.setenv("HARNESS_NIGHT", "another")
    assert why(kept) is None
    monkeypatch.setenv("SEED", "7")
    assert why(kept) == "an environment variable changed"


def test_what_a_program_used_elsewhere_has_it_measured_every_time(kept: Project) -> None:
    """A file outside of its folder may be another one."""
    measure(kept, outside=["the file /data/train.csv"])
    assert why(kept) == "it uses the file /data/train.csv, which may have changed"


@pytest.mark.parametrize("line", ["open('/data/a.csv')", "root = '~/data'", "x = '../data.csv'",
                                  "load(f'https://example.org/{name}')"])
def test_what_a_program_names_elsewhere_has_it_measured_every_time(
        kept: Project, line: str) -> None:
    """C code opens files that Python does not hear of; their names stand in the source."""
    (kept.root / TOY.folder / "data.py").write_text(line + "\n")
    measure(kept)
    assert "what data.py names" in str(why(kept))


@pytest.mark.parametrize("word", ["/data", "--data=../data", "s3://bucket"])
def test_what_its_words_name_elsewhere_has_it_measured_every_time(
        kept: Project, word: str) -> None:
    """Arguments are names of files, too."""
    path = kept.program_path("toy")
    path.write_text(path.read_text().replace('"2"', json.dumps(word)))
    measure(kept)
    assert "what its words name" in str(why(kept))


def test_a_single_run_needs_the_baseline_that_it_equals(kept: Project) -> None:
    """When that is replaced or taken back, the other runs are needed."""
    path = kept.program_baseline_path("toy", NEW)
    put(path, traces.train())
    measure(kept, baseline=fresh.sha256(path))
    assert why(kept) is None
    path.unlink()
    assert why(kept) == "its baseline is another one"


@pytest.mark.parametrize("content", [b"", b"no zip"])
def test_damaged_runs_are_measured_again(kept: Project, content: bytes) -> None:
    """As if there were none; so are those of an older harness."""
    measure(kept, inputs=None)
    assert why(kept) == "nobody noted what it was measured from"
    kept.program_run_path("toy", NEW).write_bytes(content)
    assert why(kept) == "it was not measured yet"


def test_runs_that_are_kept_are_of_tonight(kept: Project, monkeypatch: pytest.MonkeyPatch,
                                           capsys: pytest.CaptureFixture[str]) -> None:
    """The manifest says so, and what is asked for again is measured."""
    measured: list[str] = []
    monkeypatch.setattr(saved, "measure", lambda paths, environment, program: measured.append(
        environment) or (10, 1.0))
    monkeypatch.setenv("HARNESS_NIGHT", "tonight")
    words = ["--root", str(kept.root), "run", "--environment", NEW, "toy"]
    assert main(words) == 0 and not measured
    assert "kept, nothing changed" in capsys.readouterr().out
    path = kept.program_run_path("toy", NEW)
    assert manifest.why_not(kept, manifest.read(kept, NEW), path, "tonight") is None
    assert main([*words, "--again", "--dry-run"]) == 0 and not measured
    assert main([*words, "--again"]) == 0 and measured == [NEW]
    (kept.root / TOY.folder / "data.py").write_text("SIZE = 4\n")
    assert main(words) == 0 and measured == [NEW, NEW]


@pytest.mark.parametrize(("line", "told"), [
    ("open({path!r}).read()", "the file {path}"),
    ("import subprocess, sys; subprocess.run([sys.executable, '-c', ''])", "another program"),
    ("import os; os.fork() or os._exit(0)", "another process"),
    ("import socket; socket.socket().connect_ex(('127.0.0.1', 9))", "the network"),
    ("open('own.csv').read(); import json.tool; open('made', 'w').close(); open('made')", None)])
def test_the_recorder_notes_what_a_program_uses_elsewhere(
        tmp_path: Path, line: str, told: str | None) -> None:
    """Files, processes and addresses; its own folder, what is installed and the system are none."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "own.csv").write_text("1")
    (tmp_path / "data.csv").write_text("1")
    names = {"path": str(tmp_path / "data.csv")}
    (folder / "train.py").write_text(line.format(**names))
    out = tmp_path / "outside.json"
    subprocess.run([sys.executable, "-m", "harness.measure.recorder", "--trace",
                    str(tmp_path / "trace.npz"), "--outside", str(out), "--", "train.py"],
                   cwd=folder, check=True, env={**os.environ, "PYTHONPATH": str(ROOT),
                                                "TMPDIR": str(folder)})
    assert json.loads(out.read_text()) == ([told.format(**names)] if told else [])


@pytest.mark.parametrize(("printed", "outputs", "is_settled"), [
    ("loss 0.5\ntime 9.75\n", b'{"accuracy": 0.75}', True),
    ("loss 0.6\ntime 1.25\n", b'{"accuracy": 0.75}', False),
    ("loss 0.5\ntime 1.25\nmore 1\n", b'{"accuracy": 0.75}', False),
    ("loss 0.5\ntime 1.25\n", b'{"accuracy": 0.5}', False)])
def test_one_run_is_enough_where_it_tells_what_was_accepted(
        kept: Project, printed: str, outputs: bytes, is_settled: bool) -> None:
    """But for what an unchanged run told otherwise: then there are runs to accept."""
    put(kept.program_baseline_path("toy", NEW), traces.train())
    members = {"trace.npz": read(kept.program_baseline_path("toy", NEW)).members["trace.npz"],
               "printed.txt": printed.encode(), "outputs/metrics.json": outputs}
    assert saved.is_settled(kept, NEW, load(kept.program_path("toy")), members) is is_settled
    kept.program_baseline_path("toy", NEW).unlink()
    assert not saved.is_settled(kept, NEW, load(kept.program_path("toy")), members)
