"""The timeline: groups of versions, the first version of each change, the way between two."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping

import pytest

from harness.commands.cli import main
from harness.commands.tables import timeline as timeline_table
from harness.compare import timeline
from harness.compare.checks.finding import Verdict
from harness.compare.timeline import Line, Timeline
from harness.errors import FAILURE, UsageError
from harness.records import writing
from harness.records.project import Project
from harness.records.record import Record
from harness.report.verdicts import timeline_facts

SGD, ADAM = "bce_sigmoid-sgd_0.1", "bce_sigmoid-adam_0.01"
Change = Callable[[Record], None]


def drift(factor: float, start: int = 5) -> Change:
    """Return a change that multiplies the float64 loss of the SGD variant from a step on."""
    def change(record: Record) -> None:
        curve = record.variants[SGD].trajectories["float64"]
        curve.loss = [value * (factor if step >= start else 1)
                      for step, value in enumerate(curve.loss)]
    return change


def lose(record: Record) -> None:
    """Let a version have no SGD variant, since its framework cannot express it."""
    variant = record.variants[SGD]
    record.variants[SGD] = dataclasses.replace(variant, trajectories={}, unsupported="no such loss")


def recorded(project: Project, measured: Record,
             versions: Mapping[str, Change | None]) -> Project:
    """Store a baseline for every version, changed as asked."""
    for name, change in {"reference": None, **versions}.items():
        record = copy.deepcopy(measured)
        if change:
            change(record)
        writing.write(dataclasses.replace(record, environment=name),
                            project.baselines / record.case / f"{name}.json")
    return project


def torch(project: Project) -> Timeline:
    """Return the timeline of torch."""
    return timeline.load(project, ["torch"], ["imbalanced_binary"])[0]


def line_of(found: Timeline, variant: str = SGD, precision: str | None = "float64") -> Line:
    """Return one line."""
    return next(line for line in found.lines
                if (line.variant, line.precision) == (variant, precision))


def test_versions_that_agree_are_one_group(project: Project, measured: Record) -> None:
    """The same bits are identical; 1e-10 is equivalent; the order is of versions."""
    recorded(project, measured, {"torch-2.9.1": None, "torch-2.10.0": drift(1 + 1e-10),
                                 "torch-2.2.0": None})
    found = torch(project)
    line = line_of(found)
    assert [group.versions for group in line.groups] \
        == [["torch-2.2.0", "torch-2.9.1", "torch-2.10.0"]]
    assert line.groups[0].verdict is Verdict.EQUIVALENT
    assert line_of(found, ADAM).groups[0].verdict is Verdict.IDENTICAL
    assert line_of(found, SGD, "float32").groups[0].verdict is Verdict.IDENTICAL


def test_a_change_has_its_first_version(project: Project, measured: Record) -> None:
    """A drift at one version, in one precision, with its phase; then back again."""
    recorded(project, measured, {"torch-2.1.0": None, "torch-2.2.0": None,
                                 "torch-2.3.0": drift(1 + 1e-6), "torch-2.4.0": drift(1 + 1e-6),
                                 "torch-2.5.0": None})
    found = torch(project)
    line = line_of(found)
    assert [group.versions for group in line.groups] == [
        ["torch-2.1.0", "torch-2.2.0"], ["torch-2.3.0", "torch-2.4.0"], ["torch-2.5.0"]]
    assert [change.comparison.observed for change in line.changes] == ["torch-2.3.0", "torch-2.5.0"]
    assert line.groups[2].like == "torch-2.1.0"
    assert line.changes[0].findings[0].phase is not None
    assert not line.is_explained
    assert timeline_table.groups(line).plain == (
        "identical 2.1.0 to 2.2.0; drift at 2.3.0, identical 2.3.0 to 2.4.0; "
        "drift at 2.5.0, 2.5.0 alone (as 2.1.0 was)")
    assert line_of(found, SGD, "float32").changes == []


def test_many_small_steps_are_a_change(project: Project, measured: Record) -> None:
    """Each version agrees with the one before, the last no more with the first."""
    recorded(project, measured, {
        f"torch-2.{minor}.0": drift(1 + minor * 8e-10) for minor in range(4)})
    changes = line_of(torch(project)).changes
    assert changes and changes[0].is_creeping
    assert changes[0].comparison.baseline == "torch-2.0.0"


def test_what_is_absent_says_why(project: Project, measured: Record) -> None:
    """A version that cannot express a variant is on no group, and makes no change."""
    recorded(project, measured, {"torch-2.1.0": lose, "torch-2.2.0": None, "torch-2.3.0": None})
    line = line_of(torch(project))
    assert line.absent == {"torch-2.1.0": "unsupported: no such loss"}
    assert [group.versions for group in line.groups] == [["torch-2.2.0", "torch-2.3.0"]]
    assert timeline_table.groups(line).plain.endswith("; 2.1.0: unsupported: no such loss")


def test_a_damaged_record_is_no_agreement(project: Project, measured: Record) -> None:
    """A version whose training raised an error is said, and keeps the timeline from matching."""
    def fail(record: Record) -> None:
        record.variants[SGD] = dataclasses.replace(record.variants[SGD], trajectories={},
                                                   error="RuntimeError: no kernel")

    recorded(project, measured, {"torch-2.1.0": None, "torch-2.2.0": fail, "torch-2.3.0": None})
    line = line_of(torch(project))
    assert not line.is_readable
    assert timeline_table.groups(line).plain.endswith("; 2.2.0: error: RuntimeError: no kernel")
    assert main(["--root", str(project.root), "timeline", "torch"]) == FAILURE


def test_a_family_follows_the_one_it_grew_out_of(project: Project, measured: Record) -> None:
    """Keras 3 follows TensorFlow 2.15; TensorFlow 2.16 is no ancestor of it."""
    recorded(project, measured, dict.fromkeys(
        ["tensorflow-2.14.1", "tensorflow-2.15.1", "tensorflow-2.16.2", "keras-3.0.5",
         "keras-3.1.1"]))
    found = {one.family: one.versions for one in timeline.load(project)}
    assert found == {"tensorflow": ["tensorflow-2.14.1", "tensorflow-2.15.1", "tensorflow-2.16.2"],
                     "keras": ["tensorflow-2.15.1", "keras-3.0.5", "keras-3.1.1"]}
    way = timeline.between(project, ("keras-3.1.1", "tensorflow-2.14.1"), (), ())
    assert way is not None and way.versions == [
        "tensorflow-2.14.1", "tensorflow-2.15.1", "keras-3.0.5", "keras-3.1.1"]
    assert timeline.between(project, ("keras-3.1.1", "reference"), (), ()) is None


def test_a_waiver_explains_the_change_at_its_version(project: Project, measured: Record) -> None:
    """It covers the step to its version, and neither an earlier nor a later one."""
    waiver = "\n".join(["[[waiver]]", 'environment = "torch-*"', 'against = "previous"',
                        'case = "*"', 'variant = "*"', 'check = "*"', "at_most = 1",
                        'reason = "r"', 'upstream = "u"', 'date = "2026-11-21"',
                        'from_version = "2.3"'])
    (project.root / "results" / "waivers.toml").write_text(waiver)
    recorded(project, measured, {"torch-2.1.0": None, "torch-2.2.0": drift(1 + 1e-6),
                                 "torch-2.3.1": drift(1 + 1e-5), "torch-2.4.0": None})
    changes = line_of(torch(project)).changes
    assert [change.is_explained for change in changes] == [False, True, False]


def test_facts_are_strict_json_with_everything(project: Project, measured: Record) -> None:
    """Families, versions, groups, changes and their findings."""
    recorded(project, measured, {"torch-2.1.0": None, "torch-2.2.0": drift(float("inf"))})
    import json

    text = json.dumps(timeline_facts([torch(project)]), allow_nan=False)
    changed = [line for line in json.loads(text)[0]["lines"] if line["changes"]]
    assert changed[0]["changes"][0]["observed"] == "torch-2.2.0"
    assert not changed[0]["changes"][0]["explained"]


def test_an_unknown_family_is_refused(project: Project, measured: Record) -> None:
    """With the families that there are."""
    recorded(project, measured, {"torch-2.1.0": None, "torch-2.2.0": None})
    with pytest.raises(UsageError, match=r"(?s)unknown family.*torch"):
        timeline.load(project, ["jax"])
