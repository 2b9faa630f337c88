"""Runs on a real Dask cluster, over loopback TCP, in an environment that is the reference.

The project's copy of the reference is given native runs, so that seeds can be scaled out
where no framework is installed.
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import distributed
import pytest
from distributed import LocalCluster

from harness.commands import scaling
from harness.commands.cli import main
from harness.environments import cluster as clusters
from harness.environments import cluster_worker, scale
from harness.errors import HarnessError, LockedError, RecordError
from harness.files import lock
from harness.measure import supervisor
from harness.measure.supervisor import Work
from harness.records.project import Project
from harness.store.reading import records
from tests.kit.trouble import add_case

ROOT = Path(__file__).parents[2]
NATIVE = '''
"""Native runs that take no time; each leaves a line in a file, beside the cases."""
import os, signal
from pathlib import Path
from harness.records.record import NativeRun

def run(case, variant, evaluation, seed):
    folder = Path.cwd() / "cases"
    if seed == 3 and not (folder / "killed").exists():
        stat = Path(f"/proc/{os.getppid()}/stat").read_text()  # of the run in the environment
        dask_worker = int(stat.rpartition(")")[2].split()[1])
        (folder / "killed").write_text(str(dask_worker))
        os.kill(dask_worker, signal.SIGKILL)
    with (folder / "measured").open("a") as lines:
        lines.write(f"{seed}\\n")
    return NativeRun(seed, 1 / (seed + 3), None, 0.1 * seed, seed % 2 == 0)
'''
XOR = Work("xor", ("bce_sigmoid-sgd_0.1",))
IMBALANCED = Work("imbalanced_binary", ("cce_softmax-sgd_0.1",))


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Return the address of a scheduler with two Dask workers of one thread."""
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1",
                      dashboard_address="127.0.0.1:0") as started:
        yield started.scheduler_address


@pytest.fixture
def scaled(project: Project) -> Project:
    """Return a checkout with an environment whose adapter has native runs."""
    own = project.root / "harness"
    if own.is_symlink():
        own.unlink()
    shutil.copytree(ROOT / "harness", own, ignore=shutil.ignore_patterns("__py*"),
                    dirs_exist_ok=True)
    (own / "measure" / "adapters" / "reference" / "native.py").write_text(NATIVE)
    for name in ("reference", "torch-2.13.0"):
        add_interpreter(project, name)
    return project


def add_interpreter(project: Project, environment: str) -> None:
    """Make this interpreter that of an environment."""
    path = project.root / ".tox" / environment / "bin" / "python"
    path.parent.mkdir(parents=True)
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    path.chmod(0o755)


def run(project: Project, address: str, pieces: list[Work], environment: str = "reference",
        timeout: float = 60) -> int:
    """Run in one environment; return the exit code."""
    return scaling.run(project, {environment: pieces}, sorted({
        name for work in pieces for name in work.variants}), address, timeout)


def test_the_same_bits_as_a_local_run(scaled: Project, cluster: str, tmp_path: Path,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    """Records lie where a local run writes them, with the same numbers and provenance."""
    here = Project(scaled.root, tmp_path / "here")
    assert supervisor.run(here, "reference", [XOR, IMBALANCED], 60, lambda event: None) == {}
    for work in (XOR, IMBALANCED):
        assert run(scaled, cluster, [work]) == 0
        mine, local = (records.read(p.partial_path(work.case, "reference"))
                       for p in (scaled, here))
        assert mine.variants == local.variants
        for record in (mine, local):
            for when in ("recorded", "seconds"):
                record.provenance.pop(when)
            record.provenance["inputs"].pop("harness")  # the fixture's adapter is another one
        assert mine.provenance == local.provenance
    assert "reference  xor: 1 variants" in capsys.readouterr().out
    assert not list(scaled.runs.glob("*/*.failed.txt"))


def test_a_killed_dask_worker(scaled: Project, cluster: str) -> None:
    """What a killed Dask worker had begun is measured by another; every seed counts once."""
    pieces = [Work("conv1d_stability", ("mse-adam_0.015",), seed=seed) for seed in range(12)]
    assert run(scaled, cluster, pieces) == 0
    assert (scaled.root / "cases" / "killed").exists()
    record = records.native_runs(scaled.native_run_path("conv1d_stability", "reference"))
    found = record.runs["mse-adam_0.015"]
    assert [one.seed for one in found] == list(range(12))
    assert [one.final_loss for one in found] == [1 / (seed + 3) for seed in range(12)]
    lines = (scaled.root / "cases" / "measured").read_text().split()
    assert set(map(int, lines)) == set(range(12))


def test_seeds_are_shared_out() -> None:
    """Every Dask worker imports the framework once for all of its seeds."""
    pieces = {"torch-2.13.0": [Work("conv1d_stability", ("mse",), seed=seed) for seed in range(7)],
              "reference": [XOR, IMBALANCED]}
    tasks = scaling.plan(pieces, ("mse", "b*"), 3)
    assert [task.words for task in tasks] == [
        *(("conv1d_stability", "--native", "--seeds", part, "--variant", "mse", "--variant", "b*")
          for part in ("0-1", "2-4", "5-6")),
        *((case, "--variant", "mse", "--variant", "b*") for case in ("xor", "imbalanced_binary"))]


@pytest.mark.parametrize(("action", "words", "timeout"), [
    ("print('last words', file=sys.stderr); os.kill(os.getpid(), signal.SIGKILL)",
     ("killed by SIGKILL", "last words"), 60),
    ("print('no kernel', file=sys.stderr); time.sleep(600)",
     ("no progress for 2 s", "last lines"), 2),
])
def test_a_framework_that_dies_or_hangs(scaled: Project, cluster: str, action: str,
                                        words: tuple[str, ...], timeout: float) -> None:
    """A piece of work that takes its process down fails alone, with its last words."""
    add_case(scaled, "a_trouble", action)
    others = [Work("imbalanced_binary")] if timeout == 60 else []
    assert run(scaled, cluster, [Work("a_trouble"), *others], timeout=timeout) == 3
    told = scaled.failure_path("a_trouble", "reference").read_text()
    assert all(word in told for word in words)
    assert all(scaled.run_path(work.case, "reference").exists() for work in others)


def test_a_framework_that_does_not_import(scaled: Project, cluster: str,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    """Where the environment has no framework, all of it fails with what to type next."""
    assert run(scaled, cluster, [Work("xor"), Work("dropout")], "torch-2.13.0") == 3
    told = capsys.readouterr().err
    assert "does not import" in told and "tox run -r -e torch-2.13.0" in told
    assert all(scaled.failure_path(case, "torch-2.13.0").exists() for case in ("xor", "dropout"))


@pytest.mark.parametrize("name", ["../../tox.ini", "xor/../../../tox.ini"])
def test_nothing_is_written_outside_the_runs(project: Project, name: str) -> None:
    """Whatever a Dask worker calls a file."""
    outcome = cluster_worker.Outcome(0, "", "", {name: b"mine now"})
    with pytest.raises(RecordError, match="outside the runs"):
        scaling.Intake(project).take(cluster_worker.Task("reference", ("xor",), "xor"), outcome)


def test_no_scheduler(scaled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody answers that is said, and the record of the last run stays."""
    monkeypatch.setattr(clusters, "CONNECT_SECONDS", 1)
    path = scaled.run_path("xor", "reference")
    path.parent.mkdir(parents=True)
    path.write_text("an earlier record")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(HarnessError, match="no Dask scheduler answers") as error:
            run(scaled, address, [XOR])
    assert error.value.where == address
    assert path.exists()


def test_another_checkout(scaled: Project, cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Dask worker whose harness or cases differ from those here measures nothing."""
    monkeypatch.setattr(cluster_worker, "sources", lambda root, files: "0" * 64)
    with pytest.raises(HarnessError, match="no checkout with the same") as error:
        run(scaled, cluster, [XOR])
    assert "Dask worker tcp://127.0.0.1" in error.value.where
    assert str(scaled.root) in error.value.numbers


def test_a_checkout_elsewhere(scaled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """On another machine the checkout is the one that the Dask worker was started in."""
    files = {"xor": ["xor.json"]}
    order = cluster_worker.Order("/no/such/folder", files,
                                 cluster_worker.sources(scaled.root, files), 60, {})
    monkeypatch.chdir(scaled.root / "cases")
    assert cluster_worker.find_checkout(order, "there") == scaled.root
    (scaled.root / "cases" / "data" / "xor.json").write_text("{}")
    with pytest.raises(HarnessError, match="no checkout with the same"):
        cluster_worker.find_checkout(order, "there")


def test_other_versions(scaled: Project, cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another Dask than here, or another harness at a Dask worker, is refused by name."""
    order = cluster_worker.Order(str(scaled.root), {}, "", 60, {}, ("0.0.1", "1.0"))
    with pytest.raises(HarnessError, match="other versions") as error:
        cluster_worker.find_checkout(order, "there")
    assert "harness 0.0.1, distributed 1.0" in error.value.numbers
    found = {"client": {"packages": {"distributed": "2.0", "python": "3.11.7.final.0"}},
             "scheduler": {"packages": {"distributed": "2.0", "python": "3.11.9.final.0"}},
             "workers": {"tcp://one": {"packages": {"distributed": "2.0", "python": "3.12.7"}}}}
    monkeypatch.setattr(scale.Client, "get_versions", lambda client: found)
    with pytest.raises(HarnessError, match="tcp://one runs another version of python") as error:
        run(scaled, cluster, [XOR])
    assert error.value.numbers == "3.12, here 3.11"


@pytest.mark.parametrize(("script", "words"), [
    ("mkdir -p .tox/torch-2.9.1/bin; touch .tox/torch-2.9.1/bin/python", None),
    ("echo no such wheel; exit 1", "no such wheel"),
    (None, "No such file"),
])
def test_a_missing_environment_is_made(project: Project, monkeypatch: pytest.MonkeyPatch,
                                       script: str | None, words: str | None) -> None:
    """tox makes an environment that is not there; if it cannot, its last words are told."""
    folder = project.root / "bin"
    folder.mkdir()
    if script:
        (folder / "tox").write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        (folder / "tox").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    if words is None:
        path = cluster_worker.find_interpreter(project.root, "torch-2.9.1", "there")
        assert path == project.root / ".tox" / "torch-2.9.1" / "bin" / "python"
        return
    with pytest.raises(HarnessError, match="cannot make the environment") as error:
        cluster_worker.find_interpreter(project.root, "torch-2.9.1", "there")
    assert words in error.value.numbers
    assert "tox run --notest -e torch-2.9.1" in error.value.next_command


def test_two_runs_at_once(scaled: Project, cluster: str) -> None:
    """The lock of a local run holds for a run on a cluster as well."""
    with lock(scaled.lock_path("reference"), "first"), pytest.raises(LockedError):
        run(scaled, cluster, [XOR])


def test_variables() -> None:
    """A framework gets the user's switches and nothing that Dask sets for its workers."""
    own = {"PATH": "/bin", "OMP_NUM_THREADS": "4", "PYTHONPATH": "x", "MALLOC_TRIM_THRESHOLD_": "1"}
    assert cluster_worker.variables(own, {"TF_X": "0"}) == {"PATH": "/bin", "TF_X": "0"}


@pytest.mark.parametrize(("arguments", "words"), [
    (["--scheduler", "somewhere"], "is no scheduler"),
    (["--scheduler", "local:0"], "is no scheduler"),
    (["--scheduler", "local:2", "--jobs", "2"], "--jobs is for this machine"),
    (["--environment", "torch-2.13.0"], "need a scheduler"),
])
def test_wrong_use(project: Project, capsys: pytest.CaptureFixture[str], arguments: list[str],
                   words: str) -> None:
    """What is asked wrongly is named, with exit code 2."""
    command = ["--root", str(project.root), "run", "xor", "--environment", "reference"]
    assert main([*command, *arguments]) == 2
    assert words in capsys.readouterr().err


def test_without_dask(project: Project, capsys: pytest.CaptureFixture[str],
                      monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Dask is not installed, the message says how to install it."""
    monkeypatch.delitem(sys.modules, "harness.commands.scaling", raising=False)
    monkeypatch.delitem(sys.modules, "harness.environments.scale")
    monkeypatch.delattr("harness.environments.scale")
    monkeypatch.delattr("harness.commands.scaling", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["--root", str(project.root), "run", "--environment", "reference",
                 "--scheduler", "local:1"]) == 2
    assert "pip install '.[scale]'" in capsys.readouterr().err


def test_the_command(scaled: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """``local:1`` starts a cluster for two environments; one that fails makes exit code 3."""
    command = ["--root", str(scaled.root), "run", "xor", "--variant", "bce_sigmoid-sgd_0.1",
               "--scheduler", "local:1", "--environment", "reference"]
    assert main([*command, "--environment", "torch-2.13.0"]) == 3
    told = capsys.readouterr()
    assert "reference  xor: 1 variants" in told.out
    assert "torch-2.13.0  xor failed" in told.err
    assert json.loads(scaled.partial_path("xor", "reference").read_text())["case"] == "xor"


def test_a_cluster_on_this_machine_has_a_key() -> None:
    """Whoever has not the key of this very cluster is refused, and no page is served."""
    with clusters.joined("local:1") as client:
        address = client.scheduler.address
        pages = client.scheduler_info()["services"]["dashboard"]
        assert address.startswith("tls://127.0.0.1:")
        others = (address.replace("tls", "tcp"), distributed.Security()), \
            (address, distributed.Security.temporary())
        for stranger, security in others:
            with pytest.raises((OSError, RuntimeError)), \
                    distributed.Client(stranger, timeout=2, security=security):
                pass
        for path in ("", "status", "info/main/workers.html", "json/counts.json", "metrics"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"http://127.0.0.1:{pages}/{path}", timeout=5)
