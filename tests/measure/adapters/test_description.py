"""The door for programs in other languages: the description, its schema, and a record."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from harness.commands.cli import main
from harness.compare.checks.finding import Verdict
from harness.compare.compare import Question, compare
from harness.errors import MATCH, USAGE
from harness.measure.adapters import description
from harness.measure.adapters.task import prepare
from harness.records import writing
from harness.records.project import Project, select_variants
from harness.records.record import Record
from harness.store.reading import records
from harness.vocabulary import layers, losses, optimizers

DOCS = Path(__file__).parents[3] / "docs"
SGD, ADAM = "bce_sigmoid-sgd_0.1", "bce_sigmoid-adam_0.01"


def validate(data: object, name: str) -> None:
    """Check data against a schema of the documentation."""
    schema = json.loads((DOCS / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(data)


@pytest.mark.parametrize(("case", "variant"), [
    ("imbalanced_binary", "bce_logits-adam_0.01-weighted_9"), ("xor", "*clipnorm*"),
    ("masked_sequences", "lstm_native-sgd_0.3-smoothed")])
def test_a_description_keeps_the_schema(checkout: Project, case: str, variant: str) -> None:
    """What ``harness describe`` writes, probes included, is what the documentation says."""
    found = checkout.case(case)
    text = description.dumps(description.describe(checkout, found,
                                                  select_variants(found, [variant])[0]))
    validate(json.loads(text), "description")


def test_every_variant_can_be_described(checkout: Project) -> None:
    """The vocabulary of every case is in the schema; only the probes are left out here."""
    for case in checkout.cases():
        batches, filled = checkout.batches(case), {
            "format": 1, "case": case.name, "data_sha256": "0" * 64, "weights_sha256": "0" * 64,
            "metrics": list(case.metrics), "precisions": ["float64"], "probes": {}}
        for variant in case.variants:
            task = prepare(case, variant, "float64", batches, checkout.weights(variant))
            validate({**filled, **description.of_task(task)}, "description")


def test_the_schema_knows_the_whole_vocabulary() -> None:
    """Every layer, loss, optimizer, schedule and clipping has its object, and its word in docs."""
    schema = (DOCS / "description.schema.json").read_text(encoding="utf-8")
    words = (DOCS / "records.md").read_text(encoding="utf-8")
    for module in (layers, losses, optimizers):
        for name, member in vars(module).items():
            if dataclasses.is_dataclass(member):
                assert f'"const": "{name}"' in schema and f"`{name}`" in words


def test_numbers_are_exact_in_both_precisions(checkout: Project) -> None:
    """What is read in float32 is the same as what is read in float64 and then rounded."""
    case = checkout.case("imbalanced_binary")
    found = description.describe(checkout, case, case.variants[0])
    weights = checkout.weights(case.variants[0])
    for name, value in json.loads(description.dumps(found))["weights"].items():
        assert np.array_equal(np.asarray(value, np.float64), weights[name].astype(np.float64))


def test_describe_writes_a_file_for_every_variant(
        project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One variant goes to standard output, several to a folder; an unknown one is refused."""
    def describe(*arguments: str) -> int:
        return main(["--root", str(project.root), "describe", "imbalanced_binary", *arguments])

    assert describe("--variant", SGD) == MATCH
    printed = capsys.readouterr().out
    assert describe("--variant", "bce_sigmoid-*_0.1", "--variant", ADAM,
                    "--output", str(tmp_path / "out")) == MATCH
    assert (tmp_path / "out" / f"{SGD}.json").read_text(encoding="utf-8") == printed
    assert (tmp_path / "out" / f"{ADAM}.json").exists()
    assert describe() == USAGE
    assert describe("--variant", "bce_sigmoid-sgd_7") == USAGE
    assert "harness describe imbalanced_binary --variant" in capsys.readouterr().err


def test_the_example_runner_takes_part(project: Project, checkout: Project, measured: Record,
                                       tmp_path: Path) -> None:
    """A program without the harness reads descriptions; its record is taken in and is right."""
    case = checkout.case("imbalanced_binary")
    for variant in case.variants[:3]:
        (tmp_path / f"{variant.name}.json").write_text(
            description.dumps(description.describe(checkout, case, variant)))
    assert len((DOCS / "runner.py").read_text(encoding="utf-8").splitlines()) < 100
    target = tmp_path / "record.json"
    subprocess.run([sys.executable, "-I", str(DOCS / "runner.py"), str(target),
                    *map(str, sorted(tmp_path.glob("bce*.json")))], check=True)
    validate(json.loads(target.read_text(encoding="utf-8")), "record")

    assert main(["--root", str(project.root), "import", str(target)]) == MATCH
    reference = dataclasses.replace(measured, environment="reference")
    writing.write(reference, project.baseline_path(case.name, "reference"))
    report = compare(project, Question(("example-1.0",), "reference"))
    assert {c.variant: c.verdict for c in report.comparisons} == {SGD: Verdict.EQUIVALENT}
    assert any("only dense layers" in note for note in report.notes)
    imported = records.read(project.run_path(case.name, "example-1.0")).variants[SGD]
    for probes in imported.probes.values():
        for name, errors in probes.errors.items():
            assert np.all(np.array(errors) <= probes.allowances[name])


def test_a_record_of_the_harness_keeps_the_schema(measured: Record) -> None:
    """The schema of records is that of what the harness itself writes."""
    validate(json.loads(writing.dumps(measured)), "record")
