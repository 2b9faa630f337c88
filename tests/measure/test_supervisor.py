"""Real workers that go well, crash, hang, raise, or cannot start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import LockedError, UsageError
from harness.files import lock
from harness.measure import supervisor
from harness.records import freshness
from harness.records.project import Project
from harness.store.store import Store
from tests.kit.trouble import add_case


def run(project: Project, names: list[str], environment: str = "reference",
        patterns: list[str] | None = None, timeout: float = 60,
        jobs: int | None = None) -> dict[str, str]:
    """Run the named cases and return the failures, by case."""
    pieces = [supervisor.Work(name, tuple(patterns or ())) for name in names]
    failures = supervisor.run(project, environment, pieces, timeout, lambda event: None, jobs)
    return {work.case: message for work, message in failures.items()}


def test_a_run_leaves_a_checked_record(project: Project) -> None:
    """The real worker measures a selection and the store accepts what it wrote."""
    assert run(project, ["imbalanced_binary"], patterns=["cce_*"]) == {}
    record, _ = Store(project).part("imbalanced_binary", "reference", ["cce_*"])
    assert record is not None
    assert list(record.variants) == ["cce_softmax-sgd_0.1", "cce_softmax-adam_0.01"]
    assert record.provenance["packages"]["numpy"]
    assert record.provenance["selection"] == ["cce_*"]


@pytest.mark.parametrize(("action", "words"), [
    ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
    ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
    ("os._exit(7)", "exit code 7"),
    ("print('last words', file=sys.stderr); raise RuntimeError('no kernel')", "last words"),
    ("print('not an event'); raise RuntimeError('printed')", "RuntimeError: printed"),
])
def test_trouble_is_told_and_the_next_case_goes_on(project: Project, action: str,
                                                   words: str) -> None:
    """A case that takes its worker down fails alone, with its last words."""
    add_case(project, "a_trouble", action)
    failures = run(project, ["a_trouble", "imbalanced_binary"], patterns=["*-sgd_0.01", "cce*"])
    assert list(failures) == ["a_trouble"]
    assert words in failures["a_trouble"]
    assert project.partial_path("imbalanced_binary", "reference").exists()


def test_a_hanging_worker_is_killed(project: Project) -> None:
    """Without progress for the timeout, the worker is ended and the case has failed."""
    add_case(project, "a_hang", "time.sleep(600)")
    assert "no progress for 3 s" in run(project, ["a_hang"], timeout=3)["a_hang"]


def test_what_a_run_does_not_replace_stays(project: Project,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is stopped before it has measured anything leaves the earlier record."""
    path = project.run_path("xor", "reference")
    path.parent.mkdir(parents=True)
    path.write_text("an earlier record")
    monkeypatch.setattr(supervisor.Run, "start", stop)
    pieces = [supervisor.Work("xor")]
    with pytest.raises(KeyboardInterrupt), \
            supervisor.begin(project, "reference", pieces, print) as state:
        supervisor._serve(state, 60)
    assert path.read_text() == "an earlier record"
    assert not project.failure_path("xor", "reference").exists()


def stop(state: supervisor.Run, timeout: float) -> None:
    """Stand in for the user, who interrupts the run."""
    raise KeyboardInterrupt


def test_what_breaks_the_supervisor_is_a_failure(project: Project) -> None:
    """An error in a thread of the supervisor fails its piece of work, and no other is lost."""
    def report(event: dict[str, object]) -> None:
        if event.get("case") == "xor":
            raise ZeroDivisionError("while telling")

    pieces = [supervisor.Work("xor", ("bce_sigmoid-sgd_0.1",)),
              supervisor.Work("imbalanced_binary", ("cce_softmax-sgd_0.1",))]
    failures = supervisor.run(project, "reference", pieces, 60, report, 1)
    assert list(failures) == pieces[:1]
    assert "ZeroDivisionError: while telling" in failures[pieces[0]]
    assert project.partial_path("imbalanced_binary", "reference").exists()


def test_what_nobody_measured_has_failed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose threads do nothing, for whatever reason, does not pass."""
    monkeypatch.setattr(supervisor, "_serve", lambda state, timeout: None)
    assert "nobody measured it" in run(project, ["xor"])["xor"]


@pytest.mark.parametrize(("timeout", "jobs"), [(60, 0), (60, -1), (0, 1), (-1, 1),
                                               (float("nan"), 1), (float("inf"), 1)])
def test_a_run_needs_workers_and_time(project: Project, timeout: float, jobs: int) -> None:
    """Without workers, or without time for them, nothing is begun and nothing is removed."""
    path = project.run_path("xor", "reference")
    path.parent.mkdir(parents=True)
    path.write_text("an earlier record")
    with pytest.raises(UsageError):
        run(project, ["xor"], timeout=timeout, jobs=jobs)
    assert path.exists()


def test_a_record_with_errors_is_due(project: Project) -> None:
    """A variant that raised an error is measured again, also if nobody could write that down."""
    action = "weights = Path(__file__).parent / 'data' / 'xor_init0.json'; weights.write_text('{}')"
    add_case(project, "a_trouble", f"{action}; return sane.read(data)")
    assert "1 variants raised an error" in run(project, ["a_trouble"])["a_trouble"]
    project.failure_path("a_trouble", "reference").unlink()
    assert "1 variants raised an error" in freshness.due(project, "reference", ["a_trouble"])[
        "a_trouble"]


def test_a_failed_run_leaves_no_earlier_record(project: Project) -> None:
    """After a failure the record of an earlier run cannot pass for the last one."""
    path = project.run_path("xor", "reference")
    path.parent.mkdir(parents=True)
    path.write_text("an earlier record")
    (project.data_path("xor.json")).write_text("{ damaged")
    assert "JSONDecodeError" in run(project, ["xor"])["xor"]
    assert not path.exists()
    assert project.failure_path("xor", "reference").exists()


def test_a_framework_that_does_not_import(project: Project) -> None:
    """Where there is no such framework, the message says what to type next."""
    failures = run(project, ["xor", "imbalanced_binary"], environment="torch-2.13.0")
    assert set(failures) == {"xor", "imbalanced_binary"}
    assert "does not import" in failures["xor"]
    assert "tox run -r -e torch-2.13.0" in failures["xor"]


def test_two_runs_at_once(project: Project) -> None:
    """The second run of an environment is refused, and says who is at work."""
    with lock(project.lock_path("reference"), "first"), pytest.raises(LockedError) as error:
        run(project, ["xor"])
    assert "process" in str(error.value)


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    """A process that is killed leaves no lock behind."""
    code = (f"from harness.files import lock; from pathlib import Path; import os\n"
            f"with lock(Path({str(tmp_path / 'l')!r}), 'x'): os._exit(9)")
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 9
    with lock(tmp_path / "l", "y"):
        pass


def test_nothing_to_do(project: Project) -> None:
    """A run without any work is wrong use."""
    with pytest.raises(UsageError, match="nothing to measure"):
        run(project, [])


@pytest.mark.parametrize("jobs", [1, 2])
def test_workers_share_the_work(project: Project, jobs: int) -> None:
    """As many workers as asked for do all of it, and each case is measured once."""
    for name in ("a", "b", "c"):
        add_case(project, f"{name}_trouble", "raise RuntimeError(str(os.getpid()))")
    events = []
    pieces = [supervisor.Work(f"{name}_trouble") for name in ("a", "b", "c")]
    failures = supervisor.run(project, "reference", pieces, 60, events.append, jobs)
    assert list(failures) == pieces
    assert [e["event"] for e in events].count("imported") == jobs
    assert sorted(e["case"] for e in events if e["event"] == "case") == [
        "a_trouble", "b_trouble", "c_trouble"]


def test_a_worker_has_one_thread(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers do not depend on the machine's cores, unless the caller says so."""
    words = "raise RuntimeError('threads ' + os.environ['OMP_NUM_THREADS'])"
    add_case(project, "a_trouble", words)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert "threads 1" in run(project, ["a_trouble"])["a_trouble"]
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert "threads 2" in run(project, ["a_trouble"])["a_trouble"]
