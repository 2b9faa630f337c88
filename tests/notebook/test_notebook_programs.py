"""Saved programs in a notebook: the same words as for cases."""

from __future__ import annotations

import numpy as np
import pytest

from harness.errors import MissingRecordError, UsageError
from harness.notebook.checkout import Checkout
from harness.programs.saved.kept import Kept
from harness.records.project import Project
from tests.kit import traces
from tests.kit.programs import DOUBLED, NEW, OLD, furnish, put


@pytest.fixture
def toy(project: Project) -> Project:
    """Return a project with a program that is off in its last runs."""
    furnish(project)
    put(project.program_run_path("toy", NEW), traces.train(DOUBLED))
    return project


@pytest.fixture
def opened(toy: Project) -> Checkout:
    """Return the project, opened."""
    return Checkout(toy.root)


def test_a_program_is_listed(opened: Checkout) -> None:
    """As a case with one variant, and by what it has in each environment."""
    assert opened.cases.query("case == 'toy'").variant.tolist() == ["program"]
    found = opened.environments.query("case == 'toy'").set_index("environment")
    assert found.loc[[OLD, NEW], ["baseline", "run"]].to_numpy().tolist() == [
        [True, False], [True, True]]


def test_its_loss_and_figures_are_tables(opened: Checkout) -> None:
    """By step, of the last run or of the baseline."""
    curve = opened.curve("toy", "program", OLD)
    assert (curve.name, curve.index.name) == (OLD, "step")
    assert len(curve) == traces.train().header.updates
    both = opened.curves("toy", "program", [OLD, NEW])
    at = both[OLD] != both[NEW]
    assert at.any() and not at.iloc[:4].any()
    table = opened.metrics("toy", "program", OLD)
    assert table.index.name == "step" and len(table.columns) and np.isfinite(table).any().all()


def test_it_is_compared_and_shows_itself(opened: Checkout) -> None:
    """The doubled gradient, in text, in HTML and as a drawing."""
    found = opened.compare(NEW, "baseline", case=["toy"])
    worst = found.differences.iloc[0]
    assert (worst.case, worst.variant, worst.phase, worst.step) == (
        "toy", "program", "gradient", 3)
    assert not found.matches and "head.weight" in found._repr_html_()
    axes = opened.compare(NEW, OLD, case=["toy"]).plot()
    assert axes.get_title() == "toy program"
    assert [line.get_label() for line in axes.get_lines()] == [OLD, NEW]


def test_its_timeline_is_a_table(toy: Project, opened: Checkout) -> None:
    """A version that behaves otherwise is a row."""
    put(toy.program_baseline_path("toy", NEW), traces.train(DOUBLED))
    table = opened.timeline("torch", case=["toy"])
    assert table[["case", "observed", "baseline"]].to_numpy().tolist() == [["toy", NEW, OLD]]


def test_its_runs_are_its_record(opened: Checkout) -> None:
    """With the trace that was recorded."""
    found = opened.record("toy", NEW)
    assert isinstance(found, Kept)
    assert found.trace().header.updates == traces.train().header.updates


def test_what_there_is_not_is_said(opened: Checkout) -> None:
    """Names of variants, quantities and environments, and runs that nobody made."""
    with pytest.raises(UsageError, match="unknown variant"):
        opened.curve("toy", "sgd", OLD)
    with pytest.raises(UsageError, match="unknown quantity"):
        opened.curve("toy", "program", OLD, quantity="update_norm")
    with pytest.raises(UsageError, match="unknown environment"):
        opened.curve("toy", "program", "torch-0.1.0")
    with pytest.raises(MissingRecordError):
        opened.curve("toy", "program", "torch-2.8.0")
