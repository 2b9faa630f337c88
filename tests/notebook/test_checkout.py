"""A checkout in a notebook: the stored records as tables, true to what the commands say."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import harness
from harness.commands.cli import main
from harness.errors import UsageError
from harness.notebook.checkout import Checkout
from harness.records.project import Project
from harness.store.store import Store

CASE, VARIANT = "imbalanced_binary", "bce_sigmoid-sgd_0.1"


@pytest.fixture(scope="module")
def opened() -> Checkout:
    """Return this checkout, opened from a folder in it."""
    return harness.open(str(Path(__file__).parent))


def test_a_curve_is_the_record_s(opened: Checkout, checkout: Project) -> None:
    """Every number of it, to the bit, by step."""
    stored = Store(checkout).baseline(CASE, "axon-0.6.0").variants[VARIANT]
    curve = opened.curve(CASE, VARIANT, "axon-0.6.0", "float32", "gradient_norm")
    expected = stored.trajectories["float32"].gradient_norm
    assert expected is not None and np.array_equal(curve.to_numpy(), np.array(list(expected)))
    assert curve.name == "axon-0.6.0" and curve.index.name == "step"
    both = opened.curves(CASE, VARIANT, ["torch-2.13.0", "reference"])
    assert list(both.columns) == ["torch-2.13.0", "reference"]


def test_metrics_stand_by_step(opened: Checkout) -> None:
    """The last row is the end of training."""
    table = opened.metrics(CASE, VARIANT, "torch-2.13.0")
    assert table["recall"].iloc[-1] == 1 and table.index[-1] == len(
        opened.curve(CASE, VARIANT, "torch-2.13.0"))


def test_two_versions_compared_show_themselves(opened: Checkout) -> None:
    """The defect of Axon 0.6.1 is a regression, named by a tensor, in text and in HTML."""
    found = opened.compare("axon-0.6.1", "axon-0.6.0", case=[CASE])
    worst = found.differences.iloc[0]
    assert (worst.verdict, worst.phase, worst.step) == ("regression", "gradient", 0)
    assert worst.tensor == "gradient of dense_1.bias"
    assert "compared" in repr(found) and "gradient of dense_1.bias" in found._repr_html_()
    assert set(found.findings.columns) == set(found.verdicts.columns)
    axes = found.plot()
    assert [line.get_label() for line in axes.get_lines()] == ["axon-0.6.0", "axon-0.6.1"]


def test_a_timeline_is_a_table(opened: Checkout) -> None:
    """torch's left padding changed at 2.5.1."""
    table = opened.timeline("torch", case=["masked_sequences"])
    assert "torch-2.5.1" in set(table.observed) and table.explained.all()


def test_what_there_is_not_is_said(opened: Checkout) -> None:
    """Names of cases, variants, environments and quantities have their nearest."""
    with pytest.raises(UsageError, match="unknown variant"):
        opened.curve(CASE, "bce", "torch-2.13.0")
    with pytest.raises(UsageError, match="unknown quantity"):
        opened.curve(CASE, VARIANT, "torch-2.13.0", quantity="gradients")
    with pytest.raises(UsageError, match="unknown environment"):
        opened.curve(CASE, VARIANT, "torch-2.13")


@pytest.mark.parametrize("words", [
    ("compare", "axon-0.6.1", "--against", "axon-0.6.0"), ("timeline", "axon")])
def test_commands_print_tables_for_programs(
        words: tuple[str, ...], checkout: Project, capfdbinary: pytest.CaptureFixture[bytes]
        ) -> None:
    """CSV, JSON and Parquet hold the same rows."""
    tables = []
    for form, read in (("csv", pd.read_csv), ("json", pd.read_json),
                       ("parquet", pd.read_parquet)):
        main(["--root", str(checkout.root), *words, "--format", form])
        tables.append(read(io.BytesIO(capfdbinary.readouterr().out)))
    assert len({len(table) for table in tables}) == 1 and len(tables[0])
    assert len({tuple(table.columns) for table in tables}) == 1
    assert len({tuple(table["variant"]) for table in tables}) == 1


def test_a_program_may_import_harness_with_nothing_else() -> None:
    """Without pandas, NumPy or any other package."""
    subprocess.run([sys.executable, "-I", "-S", "-c", (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); import harness; "
        "assert not {'numpy', 'pandas'} & set(sys.modules)")], check=True)
