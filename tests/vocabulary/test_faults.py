"""The catalogue of faults, and what is said of those that were trained under."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from harness.compare import detection
from harness.errors import UsageError
from harness.records import writing
from harness.records.environment import FRAMEWORKS
from harness.records.project import Project, select_variants
from harness.records.record import Probes, Record
from harness.vocabulary import faults

PHASES = {"initialisation", "data order", "forward", "loss", "gradient", "update", "metric"}
SGD = "bce_sigmoid-sgd_0.1"
FAULT = faults.Fault("wrong", "a wrong gradient", "nobody", "gradient", "imbalanced_binary",
                     (SGD,))


def test_every_fault_can_be_trained(checkout: Project) -> None:
    """Names are unique, phases known, and every pattern selects variants of its case."""
    assert len({f.name for f in faults.CATALOGUE}) == len(faults.CATALOGUE) >= 30
    for fault in faults.CATALOGUE:
        assert fault.phase in PHASES and fault.source and fault.summary
        case = checkout.case(fault.case)
        for pattern in fault.variants:
            assert select_variants(case, [pattern]), f"{fault.name}: {pattern}"


def test_what_cannot_be_expressed_has_a_reason() -> None:
    """Exceptions name real adapters and real faults; each fault is possible somewhere."""
    adapters = {adapter for adapter, _ in FRAMEWORKS.values()} - {"reference"}
    names = {f.name for f in faults.CATALOGUE}
    for (adapter, name), reason in faults.INEXPRESSIBLE.items():
        assert adapter in adapters and name in names and reason
    assert {f.name for a in adapters for f in faults.expressible(a)} == names


@pytest.fixture
def trained(project: Project, measured: Record, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project with one fault in its catalogue, its baselines, and no run under it."""
    monkeypatch.setattr(detection, "CATALOGUE", (FAULT,))
    for name in ("reference", "torch-2.13.0"):
        writing.write(replace(measured, environment=name),
                            project.baseline_path(measured.case, name))
    return project


def leave(project: Project, measured: Record, phase: str | None) -> None:
    """Leave a run under the fault that is off in a phase, or not at all."""
    record = copy.deepcopy(measured)
    record.provenance["selection"] = [SGD]
    if phase:
        trajectory = record.variants[SGD].trajectories["float64"]
        curve = {"gradient": trajectory.gradient_norm, "update": trajectory.update_norm}[phase]
        curve[3] *= 1.1
    writing.write(record, project.under("wrong").run_path(record.case, "torch-2.13.0"))


@pytest.mark.parametrize(("phase", "seen", "right"), [
    ("gradient", True, True), ("update", True, False), (None, False, False)])
def test_detections(trained: Project, measured: Record, phase: str | None, seen: bool,
                    right: bool) -> None:
    """Seen and right, seen in the wrong phase, missed: each is told as what it is."""
    leave(trained, measured, phase)
    (found,) = detection.detect(trained)
    assert (found.seen, found.is_right) == (seen, right)
    assert detection.is_proof([found]) is right
    assert (found.step, found.check) == ((3, "float64_trajectory") if seen else (None, ""))


def test_a_fault_not_trained_under_is_no_detection(trained: Project, measured: Record) -> None:
    """Nothing trained at all is wrong use; one fault missing is a problem, never a pass."""
    with pytest.raises(UsageError, match="nothing was trained under faults"):
        detection.detect(trained)
    (found,) = detection.detect(trained, ["torch-2.13.0"])
    assert not found.seen and found.problem and not detection.is_proof([found])


def test_probes_name_the_cause(trained: Project, measured: Record) -> None:
    """A probe's tensor tells the phase even where a trajectory leaves earlier in another."""
    for record, error in ((measured, 0.0), (None, 1.0)):
        side = copy.deepcopy(measured)
        side.variants[SGD].probes["float64"] = Probes(
            ["outputs", "gradient of outputs"], {"step_0": [0.0, error]}, {"step_0": [1e-9, 1e-9]})
        if record is None:
            side.variants[SGD].trajectories["float64"].update_norm[0] *= 2
            path = trained.under("wrong").run_path(side.case, "torch-2.13.0")
        else:
            path = trained.baseline_path(side.case, "torch-2.13.0")
        writing.write(side, path)
    (found,) = detection.detect(trained)
    assert found.is_right and found.check == "float64_probes"
