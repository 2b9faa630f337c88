"""The alternatives' rules, and how faults and clean runs are counted for all of them."""

from __future__ import annotations

import copy
import dataclasses
import math

import pytest

from harness.compare.detection import Detection
from harness.records import native_record, writing
from harness.records.native_record import NativeRecord
from harness.records.project import Project
from harness.records.record import NativeRun, Record, Trajectory
from harness.vocabulary.faults import CATALOGUE, Fault
from tests.benchmark import clean, rules, score, tally

STEPS = 100
FLAT = [0.5] * STEPS
ENVIRONMENT = "torch-2.13.0"
REPEATED = clean.SETTINGS[0]
NAMES = [rule.short for rule in rules.RULES]


def alarms(observed: list[float], baseline: list[float] = FLAT) -> list[str]:
    """Return the rules that alarm at two loss curves."""
    return [name for name, rule in zip(NAMES, rules.RULES, strict=True)
            if rule.alarms(Trajectory(observed), Trajectory(baseline))]


def changed(steps: list[int], by: float) -> list[float]:
    """Return the flat curve with some steps moved."""
    return [value + by if step in steps else value for step, value in enumerate(FLAT)]


@pytest.mark.parametrize(("observed", "expected"), [
    (FLAT, []),
    (changed([50], 5e-8), []),
    (changed([50], 5.4e-6), ["num_regression"]),
    (changed([50], 1.2e-5), ["assert_close", "num_regression"]),
    (changed([99], 4.9e-6), []),
    (changed([99], 5.4e-6), ["Megatron-LM", "allclose", "num_regression"]),
    (changed([50], 0.9e-3), ["assert_close", "num_regression"]),
    (changed([50], 1.1e-3), ["TRL", "TRL norms", "assert_close", "num_regression"]),
    (changed(list(range(STEPS)), 1.1e-5), [name for name in NAMES if name != "Megatron 5 %"]),
    (changed(list(range(STEPS)), 0.024), [name for name in NAMES if name != "Megatron 5 %"]),
    (changed(list(range(STEPS)), 0.026), NAMES),
])
def test_each_rule_at_its_tolerance(observed: list[float], expected: list[str]) -> None:
    """Megatron-LM sees the fifth decimal or 5 %, TRL 1e-3 and a drift of 1e-5, others 1e-5."""
    assert alarms(observed) == expected


def test_megatron_samples_every_fifth_step() -> None:
    """Steps 1, 5, 10 ... count, from 1; by default none may be off."""
    assert "Megatron-LM" not in alarms(changed([1, 2, 3, 5, 97], 1))
    assert "Megatron-LM" in alarms(changed([4], 1e-5))
    assert "Megatron-LM" in alarms(changed([0], 1e-5))


def test_megatron_lets_one_be_off_where_it_compares_approximately() -> None:
    """One of 21 may be off, two may not, nor one of one."""
    assert "Megatron 5 %" not in alarms(changed([1, 2, 3, 5, 97], 1))
    assert "Megatron 5 %" not in alarms(changed([4], 1))
    assert "Megatron 5 %" in alarms(changed([0, 4], 1))
    assert "Megatron 5 %" in alarms([0.6], [0.5])


def test_nan_on_one_side_alarms_whatever_the_rule() -> None:
    """A run that turns NaN is seen by all, those included that never look at NaN."""
    assert alarms([*FLAT[:50], *[math.nan] * 50]) == NAMES
    assert alarms(FLAT, [*FLAT[:50], *[math.nan] * 50]) == NAMES


def test_nan_on_both_sides_is_as_the_rule_has_it() -> None:
    """pytest-regressions takes NaN as equal and TRL does not see it; the others alarm."""
    nan = [math.nan] * STEPS
    assert alarms(nan, nan) == ["Megatron-LM", "Megatron 5 %", "assert_close", "allclose"]


def test_another_length_alarms() -> None:
    """Curves of other lengths are not compared step by step."""
    assert alarms(FLAT[:-1]) == NAMES


def test_trl_looks_at_gradient_norms_as_well() -> None:
    """With both curves, a gradient norm 0.2 off alarms though the loss agrees."""
    sides = Trajectory(FLAT, gradient_norm=[2.2] * STEPS), Trajectory(FLAT, [2.0] * STEPS)
    seen = [rule.name for rule in rules.RULES if rule.alarms(*sides)]
    assert seen == ["TRL, losses and gradient norms"]


# -------------------------------------------------------------------- clean runs
def place(record: Record, environment: str, project: Project, folder: str) -> None:
    """Write a record as a run under ``results/<folder>``, of another environment."""
    record = dataclasses.replace(record, environment=environment)
    path = project.root / "results" / folder / record.case / f"{environment}.json"
    writing.write(record, path)


@pytest.fixture
def accepted(project: Project, measured: Record) -> Project:
    """Return a project of one case, with the baselines of torch and of the reference."""
    for path in (project.root / "cases").glob("*.py"):
        if path.stem != measured.case:
            path.unlink()
    place(with_envelopes(measured), "reference", project, "baselines")
    place(measured, ENVIRONMENT, project, "baselines")
    return project


def with_envelopes(record: Record) -> Record:
    """Return a record whose float32 trajectories allow no more than the smallest difference."""
    record = copy.deepcopy(record)
    for variant in record.variants.values():
        trajectory = variant.trajectories["float32"]
        trajectory.envelope = {curve: [0.0] * len(trajectory.loss)
                               for curve in ("loss", "gradient_norm", "update_norm")}
    return record


def shifted(record: Record, by: float) -> Record:
    """Return a record whose first variant's float32 losses are larger."""
    record = copy.deepcopy(record)
    trajectory = next(iter(record.variants.values())).trajectories["float32"]
    trajectory.loss = [value + by for value in trajectory.loss]
    return record


def test_clean_runs_are_counted_against_baseline_and_reference(accepted: Project,
                                                               measured: Record) -> None:
    """Two variants, compared twice; none alarms, by any rule."""
    place(measured, ENVIRONMENT, accepted, "clean/pinned")
    found, problems = clean.trials(accepted, REPEATED, ENVIRONMENT)
    assert problems == []
    assert sorted(trial.against for trial in found) == ["baseline"] * 2 + ["reference"] * 2
    assert {alarm for trial in found for alarm in trial.alarms.values()} == {False}
    assert [str(row.own) for row in tally.rows([], found)] == ["0 of 2 (0 %)"] * (
        1 + len(rules.RULES))


def test_false_alarms_are_counted_by_rule(accepted: Project, measured: Record) -> None:
    """One variant 1e-4 off alarms the harness and the tight rules, not Megatron-LM's 5 %."""
    place(shifted(measured, 1e-4), ENVIRONMENT, accepted, "clean/pinned")
    found, problems = clean.trials(accepted, REPEATED, ENVIRONMENT)
    assert problems == []
    rows = {row.rule: row for row in tally.rows([], found)}
    assert (rows[clean.HARNESS].own, rows[clean.HARNESS].others) == (tally.Share(1, 2),) * 2
    assert rows[rules.RULES[0].name].own.count == 1
    assert rows[rules.RULES[1].name].own.count == 0
    assert any("more than rounding" in trial.sentence for trial in found)


def test_waived_comparisons_with_the_reference_are_left_out(accepted: Project,
                                                            measured: Record) -> None:
    """A known difference is no false alarm, of whatever rule."""
    place(shifted(measured, 1e-4), ENVIRONMENT, accepted, "clean/pinned")
    waiver = "".join(f'{key} = "{value}"\n' for key, value in {
        "environment": "*", "against": "reference", "case": "*", "variant": "*", "check": "*",
        "reason": "known", "upstream": "none", "date": "2026-11-21"}.items())
    (accepted.root / "results" / "waivers.toml").write_text(
        f"[[waiver]]\nat_most = 1\n{waiver}", encoding="utf-8")
    found, _ = clean.trials(accepted, REPEATED, ENVIRONMENT)
    assert [trial.against for trial in found].count("reference") == 1
    assert not any(t.alarms[clean.HARNESS] for t in found if t.against == "reference")


def test_what_was_not_measured_is_a_problem_and_no_comparison(accepted: Project) -> None:
    """Without a record the baseline does not stand in for the run."""
    found, problems = clean.trials(accepted, REPEATED, ENVIRONMENT)
    assert found == []
    assert any("no record" in problem for problem in problems)


def test_a_setting_that_did_not_arrive_is_a_problem(accepted: Project,
                                                    measured: Record) -> None:
    """Variables and NumPy are those of the provenance, or nothing was tried."""
    setting = clean.Setting("other", ("torch",), {"ATEN_CPU_CAPABILITY": "avx2"}, numpy="1.26.4")
    place(measured, ENVIRONMENT, accepted, "clean/other")
    _, problems = clean.trials(accepted, setting, ENVIRONMENT)
    assert any("ATEN_CPU_CAPABILITY=avx2 did not arrive" in problem for problem in problems)
    assert any("instead of 1.26.4" in problem for problem in problems)


def test_the_plan_has_enough_comparisons(checkout: Project) -> None:
    """Every family has settings, each name once, of 25 or more, and enough variants."""
    environments = ["reference", ENVIRONMENT, "tensorflow-2.15.1", "keras-3.15.1"]
    plan = clean.plan(environments, [])
    assert len({(name, setting.name) for name, setting in plan}) == len(plan)
    assert {name for name, _ in plan} == set(environments)
    variants = sum(len(case.variants) for case in checkout.cases())
    assert len({setting.name for _, setting in plan}) >= 25
    assert 2 * (len(plan) - 1) * variants > score.COMPARISONS
    assert clean.plan(environments, ["numpy_2*"]) != []


# -------------------------------------------------------------------- faults
def fault(name: str) -> Fault:
    """Return a fault of the catalogue."""
    return next(fault for fault in CATALOGUE if fault.name == name)


def outcome(project: Project, name: str) -> tally.Outcome:
    """Return the outcome of a fault that the harness saw in the right phase."""
    found = Detection(fault(name), ENVIRONMENT, True, "a check", 0, fault(name).phase)
    return score._outcome(project, found)


def test_a_fault_is_seen_by_the_rules_that_alarm(accepted: Project, measured: Record) -> None:
    """The float32 losses under the fault face those of the baseline."""
    place(shifted(measured, 0.02), ENVIRONMENT, accepted, "faults/sum_reduction")
    found = outcome(accepted, "sum_reduction")
    assert found.note == ""
    rows = {row.rule: row for row in tally.rows([found], [])}
    assert rows[clean.HARNESS].seen == rows[clean.HARNESS].phases == tally.Share(1, 1)
    assert rows[rules.RULES[0].name].seen == tally.Share(1, 1)
    assert rows[rules.RULES[0].name].phases is None
    assert rows[rules.RULES[0].name].cells[2] == "-"


def native(project: Project, path: str, final: float, reported: float | None) -> None:
    """Write one native run of seed 0, after one of seed 1."""
    runs = [NativeRun(1, 9.0, None, 1.0, True), NativeRun(0, final, reported, 1.0, True)]
    runs = [dataclasses.replace(run, reported_loss=reported and run.final_loss
                                if run.seed else reported) for run in runs]
    record = NativeRecord("conv1d_stability", ENVIRONMENT, {"data_sha256": "0" * 64},
                          {"mse-adam_0.015": runs})
    native_record.write(record, project.root / "results" / path / "conv1d_stability" / "native"
                        / f"{ENVIRONMENT}.json")


@pytest.mark.parametrize(("final", "reported", "seen"), [
    (0.3, 0.4, False), (0.31, 0.4, True), (0.3, 0.41, True), (0.3, None, False)])
def test_native_faults_show_in_the_losses_of_the_first_run(
        project: Project, final: float, reported: float | None, seen: bool) -> None:
    """Final and reported loss of seed 0, where both sides have them, alarm if either is off."""
    native(project, "baselines", 0.3, 0.4)
    native(project, "faults/unweighted_last_batch", final, reported)
    found = outcome(project, "unweighted_last_batch")
    assert (found.note, found.is_seen("TRL, losses")) == ("", seen)


def test_without_a_native_run_the_alternatives_see_nothing(project: Project) -> None:
    """The fault counts as not seen by them, and a note says why."""
    found = outcome(project, "glorot_for_he")
    assert "no native runs" in found.note
    assert [row.seen.count for row in tally.rows([found], [])] == [
        1, *[0] * len(rules.RULES)]
    assert any("glorot_for_he" in note for note in tally.notes([found], []))


def test_the_markdown_has_a_line_for_every_rule() -> None:
    """A heading, a rule and seven rows of five cells."""
    lines = tally.markdown(tally.rows([], [])).splitlines()
    assert len(lines) == 2 + 1 + len(rules.RULES)
    assert {line.count("|") for line in lines} == {6}


def test_targets(accepted: Project) -> None:
    """One false alarm, one problem or too few comparisons miss the target."""
    seen = [tally.Outcome(Detection(fault("sum_reduction"), ENVIRONMENT, True, phase="loss"), {})]
    good = clean.Trial(ENVIRONMENT, "repeated", "baseline", "xor", "v", {clean.HARNESS: False})
    bad = dataclasses.replace(good, alarms={clean.HARNESS: True})
    assert score.meets_targets(score.Scores(seen, [good] * 500), 500)
    assert not score.meets_targets(score.Scores(seen, [good] * 499), 500)
    assert not score.meets_targets(score.Scores(seen, [good] * 500 + [bad]), 500)
    assert not score.meets_targets(score.Scores(seen, [good] * 500, ["no tox"]), 500)
    assert not score.meets_targets(score.Scores([tally.Outcome(dataclasses.replace(
        seen[0].detection, seen=False), {})], [good] * 500), 500)
