"""The same verdict on every machine: real runs of other processors against the baselines.

``tests/data/hosts`` holds what they measured, one archive a machine.
"""

from __future__ import annotations

import copy
import math
import shutil
import tarfile
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.compare.checks import hosts
from harness.compare.checks.finding import Finding, Verdict
from harness.compare.compare import Question, Report, compare
from harness.errors import DIFFERENCE, FAILURE, MATCH, HarnessError
from harness.records import writing
from harness.records.project import Project
from harness.records.record import Record
from harness.store import machines
from harness.store.accepting import accept
from harness.store.reading import records
from harness.store.store import Store

ROOT = Path(__file__).parents[2]
CASE, TORCH, STRESSED = "masked_sequences", "torch-2.9.1", "decoder_native-sgd_0.3"
X86, ARM = "x86-64-avx512", "aarch64"
CASES = ("conv1d_stability", "imbalanced_binary", CASE, "xor")
"""What there was to measure when they did."""


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the runs of every machine."""
    folder = tmp_path_factory.mktemp("hosts")
    for path in (ROOT / "tests" / "data" / "hosts").glob("*.tar.xz"):
        with tarfile.open(path) as archive:
            archive.extractall(folder / path.name.removesuffix(".tar.xz"), filter="data")
    return folder


def judged(archives: Path, machine: str, environment: str, *cases: str,
           against: str | None = None) -> Report:
    """Compare an environment's runs on a machine with the stored baselines."""
    project = Project(ROOT, archives / machine)
    ran = [case for case in project.case_names()
           if project.run_path(case, environment).exists()]
    return compare(project, Question((environment,), against, cases or tuple(ran)))


@pytest.fixture
def altered(archives: Path, tmp_path: Path) -> Project:
    """Return a checkout whose runs are copies of the Arm machine's, to be altered."""
    for name in ("cases", "results/baselines", "results/waivers.toml", "tox.ini"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    runs = tmp_path / "results" / "runs" / CASE
    runs.mkdir(parents=True)
    (runs / f"{TORCH}.json").write_bytes((archives / ARM / CASE / f"{TORCH}.json").read_bytes())
    return Project(tmp_path)


def alter(project: Project, error: float, tensor: str, checkpoint: str) -> None:
    """Set the error of a tensor in both precisions of a run, as a fault would."""
    path = project.run_path(CASE, TORCH)
    record = records.read(path)
    changed = copy.deepcopy(record)
    for probes in changed.variants[STRESSED].probes.values():
        probes.errors[checkpoint][probes.tensors.index(tensor)] = error
    writing.write(changed, path)


@pytest.mark.parametrize(("machine", "environment", "cases"), [
    (X86, "torch-2.13.0", CASES), (X86, "reference", CASES), (ARM, "reference", CASES),
    (f"{X86}-onednn-off", "tensorflow-2.15.1", CASES),
    (f"{X86}-onednn-off", "keras-3.15.1", CASES), (ARM, TORCH, (CASE,))])
def test_another_machine_gives_no_alarm(archives: Path, machine: str, environment: str,
                                        cases: tuple[str, ...]) -> None:
    """Every real run of another processor under the pinned settings is clean."""
    report = judged(archives, machine, environment, *cases)
    assert [c for c in report.comparisons if c.open_findings or c.problem] == []
    assert (report.exit_code, len(report.comparisons) >= 39) == (MATCH, True)


@pytest.mark.parametrize("environment", ["tensorflow-2.15.1", "keras-3.15.1"])
def test_another_setting_is_no_drift_but_cannot_be_compared(archives: Path,
                                                            environment: str) -> None:
    """Measured with oneDNN on, nothing is compared with what was measured with it off."""
    report = judged(archives, X86, environment, "xor", against="baseline")
    problem, = [c.problem for c in report.comparisons]
    assert "measured with oneDNN on, the baseline with it off: not comparable" in problem
    assert f"tox run -e {environment} -- --again" in problem
    assert report.exit_code == FAILURE


def test_arm_says_what_depends_on_the_host(archives: Path) -> None:
    """x86's attention loses its gradient under stress, Arm's does not: noted, and no drift."""
    report = judged(archives, ARM, TORCH, CASE, against="baseline")
    notes = [note for note in report.notes if note.startswith("host-dependent")]
    assert any(STRESSED in note and "aarch64-default, the baseline x86_64-avx2" in note
               for note in notes)
    stress, = [f for c in report.comparisons if c.variant == STRESSED for f in c.findings
               if f.check == "float32_stress"]
    assert stress.verdict is Verdict.EQUIVALENT and stress.host


def test_a_run_that_agrees_takes_the_verdict_of_the_stored_baselines(archives: Path) -> None:
    """Against the previous version both sides are what one machine recorded."""
    report = judged(archives, ARM, TORCH, CASE, against="previous")
    assert {c.evidence for c in report.comparisons} == {
        "by the stored baselines, with the first of which the run agrees"}


@pytest.mark.parametrize(("tensor", "checkpoint"), [
    ("gradient of attention_0.value_kernel", "step_10"),
    ("update of attention_0.value_kernel", "step_0"), ("outputs", "scaled_3")])
def test_a_fault_is_seen_on_another_architecture(altered: Project, tensor: str,
                                                 checkpoint: str) -> None:
    """What is off the reference where the baseline is right is a drift on every machine."""
    alter(altered, 2e-3, tensor, checkpoint)
    report = compare(altered, Question((TORCH,), None, (CASE,), (STRESSED,)))
    assert {"baseline", "previous"} <= {c.against for c in report.comparisons if c.open_findings}
    direct, = [c for c in report.comparisons if c.against == "previous"]
    assert direct.evidence == "by the run itself, since it differs from its own baseline"


@pytest.mark.parametrize(("fault", "case", "phase"), [
    ("mean_before_mask", CASE, "loss"), ("squared_bce_gradient", "imbalanced_binary", "gradient"),
    ("missing_zero_grad", "xor", "gradient"), ("clipvalue_ignored", "xor", "update")])
def test_real_faults_are_seen_on_arm_in_their_phase(archives: Path, fault: str, case: str,
                                                    phase: str) -> None:
    """torch 2.9.1 trained under faults on 64-bit Arm, against the baselines of x86."""
    report = judged(archives / f"{ARM}-faults", fault, TORCH, case, against="baseline")
    causes = [c.cause for c in report.comparisons if c.open_findings]
    assert {cause.phase for cause in causes if cause} == {phase}


def test_what_a_neighbour_shows_on_the_same_machine_is_the_machines(altered: Project) -> None:
    """Two versions off in the same way on one machine: it is the machine, and said."""
    alter(altered, 2e-3, "gradient of attention_0.value_kernel", "step_10")
    ours = records.read(altered.run_path(CASE, TORCH))
    older = Record(CASE, "torch-2.8.0", ours.provenance, dict(ours.variants))
    writing.write(older, altered.run_path(CASE, "torch-2.8.0"))
    report = compare(altered, Question((TORCH,), "baseline", (CASE,), (STRESSED,)))
    assert report.exit_code == MATCH
    assert any("torch-2.8.0, measured on this machine, shows the same" in note
               for note in report.notes)


def test_accept_names_the_baseline_that_it_writes(
        altered: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Of another class of machine it is that class's, and not the first one."""
    baselines = altered.root / "results" / "baselines"
    baselines.unlink()
    shutil.copytree(ROOT / "results" / "baselines" / CASE, baselines / CASE)
    assert main(["--root", str(altered.root), "accept", TORCH, CASE, "--reason", "looked at",
                 "--together", "measured on Arm"]) == MATCH
    assert f"accepted: results/baselines/{CASE}/aarch64-default/{TORCH}.json" in \
        capsys.readouterr().out.replace("\n", "")


def test_a_neighbour_that_measured_less_excuses_nothing(altered: Project) -> None:
    """A neighbour without probes shows no probe that is off, nor one that is right."""
    alter(altered, 2e-3, "gradient of attention_0.value_kernel", "step_10")
    ours = records.read(altered.run_path(CASE, TORCH))
    blind = copy.deepcopy(ours.variants[STRESSED])
    blind.probes = {}
    writing.write(Record(CASE, "torch-2.8.0", ours.provenance, {
        **dict(ours.variants), STRESSED: blind}), altered.run_path(CASE, "torch-2.8.0"))
    report = compare(altered, Question((TORCH,), "baseline", (CASE,), (STRESSED,)))
    assert [c.variant for c in report.comparisons if c.open_findings] == [STRESSED]


def test_a_neighbour_under_the_same_fault_excuses_nothing(altered: Project) -> None:
    """Two versions trained under one fault are off in the same way; it is not the machine."""
    alter(altered, 2e-3, "gradient of attention_0.value_kernel", "step_10")
    ours, fault = records.read(altered.run_path(CASE, TORCH)), altered.under("coarse_tanh")
    for version in (TORCH, "torch-2.8.0"):
        writing.write(Record(CASE, version, ours.provenance, dict(ours.variants)),
                      fault.run_path(CASE, version))
    report = compare(fault, Question((TORCH,), "baseline", (CASE,), (STRESSED,)))
    assert report.exit_code == DIFFERENCE


def test_an_error_that_is_not_finite_is_no_matter_of_the_machine(altered: Project) -> None:
    """Where the baseline is off under stress, another class may be, but not by anything."""
    path = altered.run_path(CASE, TORCH)
    record = copy.deepcopy(records.read(path))
    probes = record.variants[STRESSED].probes["float32"]
    probes.errors["scaled_30"][probes.tensors.index(
        "gradient of attention_0.value_kernel")] = math.inf
    writing.write(record, path)
    report = compare(altered, Question((TORCH,), "baseline", (CASE,), (STRESSED,)))
    assert report.exit_code == DIFFERENCE


def test_a_run_under_switches_does_not_replace_a_baseline(altered: Project) -> None:
    """The class of a baseline cannot be changed by a variable of whoever accepts."""
    baselines = altered.root / "results" / "baselines"
    baselines.unlink()
    shutil.copytree(ROOT / "results" / "baselines" / CASE, baselines / CASE)
    record = Store(altered).baseline(CASE, TORCH)
    provenance = {**record.provenance, "variables": {
        **record.provenance["variables"], "MKL_CBWR": "COMPATIBLE"}}
    writing.write(Record(CASE, TORCH, provenance, dict(record.variants)),
                        altered.run_path(CASE, TORCH))
    store = Store(altered)
    with pytest.raises(HarnessError, match="MKL_CBWR=COMPATIBLE"):
        accept(store, [store.run(CASE, TORCH)], "looked at")


def test_a_baseline_can_be_accepted_for_a_class_of_machine(altered: Project) -> None:
    """It stands beside the first one, and judges runs of its own class alone."""
    baselines = altered.root / "results" / "baselines"
    baselines.unlink()
    shutil.copytree(ROOT / "results" / "baselines" / CASE, baselines / CASE)
    first = altered.baseline_path(CASE, TORCH).read_bytes()
    alter(altered, 2e-3, "gradient of attention_0.value_kernel", "step_10")
    store = Store(altered)
    accept(store, [store.run(CASE, TORCH)], "Arm's kernels, looked at")
    assert altered.baseline_path(CASE, TORCH).read_bytes() == first
    assert altered.baseline_path(CASE, TORCH, "aarch64-default").exists()
    assert TORCH in store.accepted(CASE)
    report = compare(altered, Question((TORCH,), "baseline", (CASE,), (STRESSED,)))
    assert {c.verdict for c in report.comparisons} == {Verdict.IDENTICAL}


@pytest.mark.parametrize(("mine", "theirs", "checkpoint", "is_of_host"), [
    (1e-8, 3e-3, "scaled_30", True), (1e-8, 3e-3, "step_10", True),
    (5e-2, 3e-3, "scaled_30", True), (5e-2, 3e-3, "step_10", False),
    (5e-2, 1e-8, "scaled_30", False), (5e-2, 1e-8, "step_10", False),
    (10.0, 3e-3, "scaled_30", False), (math.inf, 3e-3, "scaled_30", False),
    (math.inf, math.inf, "scaled_30", True), (2e-2, math.inf, "scaled_30", True)])
def test_whose_error_it_is(mine: float, theirs: float, checkpoint: str, is_of_host: bool) -> None:
    """An error is the other machine's if that is off; a new error is the framework's."""
    assert hosts.explains_error(mine, theirs, 1e-6, checkpoint) is is_of_host


def provenance(**changes: object) -> dict[str, object]:
    """Return a provenance such as today's, with changes."""
    return {"platform": "Linux-x86_64", "variables": {"OMP_NUM_THREADS": "1"},
            "cpu": {"instruction_sets": ["fma", "avx2"]}, "settings": {},
            "packages": {"tensorflow-cpu": "2.15.1"}, **changes}


@pytest.mark.parametrize(("environment", "changes", "name"), [
    ("torch-2.13.0", {"settings": {"cpu_capability": "AVX2"}}, "x86_64-avx2"),
    ("torch-2.13.0", {"settings": {"cpu_capability": "NO AVX"}}, "x86_64-no_avx"),
    ("torch-1.8.1", {"settings": {"cpu_capability": None}}, "x86_64-avx2"),
    ("reference", {"cpu": {"instruction_sets": ["avx2", "avx512f"]}}, "x86_64-avx512"),
    ("reference", {"cpu": {"instruction_sets": ["avx2", "avx512f"]},
                   "variables": {"OPENBLAS_CORETYPE": "Haswell"}}, "x86_64-avx2"),
    ("reference", {"platform": "Linux-aarch64", "cpu": {"instruction_sets": []}},
     "aarch64-default"),
    ("reference", {"platform": "Linux-a+b", "cpu": {"instruction_sets": []}}, "a_b-default"),
    ("reference", {"platform": f"Linux-{'q' * 300}", "cpu": {}}, f"{'q' * 40}-default"),
    ("reference", {"platform": 5, "cpu": 5, "variables": 5, "settings": 5}, "5-default")])
def test_the_class_of_a_machine(environment: str, changes: dict[str, object], name: str) -> None:
    """A class is the architecture and what the framework says it chose, or could have."""
    assert machines.machine_class(provenance(**changes), environment).name == name


def test_a_switch_makes_another_class(measured: Record) -> None:
    """Kernels that were asked for by hand are told in the words of a class."""
    other = copy.copy(measured)
    other.provenance = {**measured.provenance, "variables": {"MKL_CBWR": "COMPATIBLE"}}
    assert "MKL_CBWR=COMPATIBLE" in machines.other_class(other, measured)
    assert machines.other_class(measured, measured) == ""
    other.provenance = {**measured.provenance, "variables": {"KMP_BLOCKTIME": "0", "TF_X": "1"}}
    assert machines.other_class(other, measured) == ""  # they change no number


@pytest.mark.parametrize(("version", "sets", "variable", "state"), [
    ("2.15.1", ["avx2", "avx512_vnni"], None, "on"), ("2.15.1", ["avx2"], None, "off"),
    ("2.8.4", ["avx2", "avx512_vnni"], None, "off"), ("2.8.4", ["avx2"], "1", "on"),
    ("2.15.1", ["avx512_bf16"], "0", "off")])
def test_whether_onednn_was_on(version: str, sets: list[str], variable: str | None,
                               state: str) -> None:
    """An older record does not say so; its version and processor do."""
    found = provenance(packages={"tensorflow-cpu": version}, cpu={"instruction_sets": sets},
                       variables={"TF_ENABLE_ONEDNN_OPTS": variable} if variable else {})
    assert machines.chosen_settings(Record("xor", f"tensorflow-{version}", found, {})) == {
        "oneDNN": state}


def test_an_excused_difference_is_none() -> None:
    """What belongs to the machine keeps its sentence, and says why it is no difference."""
    finding = hosts.excused(Finding("float64_stress", Verdict.DRIFT, "off"), "of the machine")
    assert not finding.verdict.is_difference
    assert (finding.sentence, finding.host) == ("off; of the machine", "of the machine")
