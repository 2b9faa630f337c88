"""A project of its own for every test: real cases and data, no results."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

from harness.measure.adapters import reference
from harness.measure.adapters.task import prepare
from harness.records.project import Project
from harness.records.record import Record, VariantRecord

ROOT = Path(__file__).parents[1]
with contextlib.suppress(ModuleNotFoundError):  # the pinned environments have pytest alone
    import hypothesis

    # how fast a machine is decides no test
    hypothesis.settings.register_profile("untimed", deadline=None)
    hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def checkout() -> Project:
    """Return this checkout, to read from."""
    return Project(ROOT)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a copy of the project without any results."""
    shutil.copytree(ROOT / "cases", tmp_path / "cases", ignore=shutil.ignore_patterns("__py*"))
    shutil.copy(ROOT / "tox.ini", tmp_path)
    (tmp_path / "results").mkdir()
    return Project(tmp_path)


@pytest.fixture(scope="session")
def measured(checkout: Project) -> Record:
    """Return a real record of two variants of a case, by the reference."""
    case = checkout.case("imbalanced_binary")
    batches = checkout.batches(case)
    record = Record(case.name, "torch-2.13.0", {"data_sha256": checkout.sha256(case.data),
                                                "packages": {"torch": "2.13.0"}}, {})
    for variant in case.variants[:2]:
        weights = checkout.weights(variant)
        record.variants[variant.name] = VariantRecord(
            checkout.sha256(variant.weights),
            {precision: reference.build(prepare(case, variant, precision, batches,
                                                         weights)).train()
             for precision in ("float64", "float32")})
    return record


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, measured: Record) -> Path:
    """Return a project with one case, a small matrix and its baselines, to copy from."""
    from tests.kit.nights import furnish  # the contract tests have no outside half

    return furnish(tmp_path_factory.mktemp("furnished"), measured).root


@pytest.fixture
def matrix(tmp_path: Path, furnished: Path) -> Project:
    """Return a project with one case, a small matrix and its baselines, but no runs."""
    shutil.copytree(furnished, tmp_path / "matrix", symlinks=True)
    return Project(tmp_path / "matrix")
