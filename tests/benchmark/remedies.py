"""The remedies: what helps against Axon 0.6.1's squared gradient, and what only seems to.

``python -m tests.benchmark.remedies`` trains under every version in float32, needs Elixir, and
writes the table into ``docs/axon.md``. Outside half.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from harness.compare.checks.promises import evaluate
from harness.files import write_text
from harness.measure.adapters.axon import install
from harness.measure.adapters.axon.process import Elixir
from harness.measure.adapters.axon.training import AxonTraining
from harness.measure.adapters.task import Tensors, Training, prepare
from harness.records.project import Project
from harness.records.record import Trajectory, VariantRecord
from harness.vocabulary import weights as stream
from harness.vocabulary.case import Case, Variant
from harness.vocabulary.layers import Dense
from harness.vocabulary.losses import BinaryCrossentropy, CategoricalCrossentropy
from harness.vocabulary.optimizers import SGD, Adam, ClipNorm, ClipValue

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "axon.md"
BEGIN, END = "<!-- remedies: begin -->", "<!-- remedies: end -->"
VERSIONS = ("0.6.0", "0.6.1", "0.7.0", "0.8.1")
DRAWS = 4
"""Other initial weights that are tried."""


@dataclass(frozen=True)
class Remedy:
    """What is advised, and the variants of a case that follow it.

    Args:
        change: of a variant and its weights, each variant to train with its weights.
    """

    name: str
    change: Callable[[Variant, Tensors], list[tuple[Variant, Tensors]]]


def change(variant: Variant, weights: Tensors, **fields: object) -> list[tuple[Variant, Tensors]]:
    """Return the variant with other fields, and the weights as they are."""
    return [(replace(variant, **fields), weights)]  # type: ignore[arg-type]


def logits(variant: Variant, weights: Tensors) -> list[tuple[Variant, Tensors]]:
    """Return the variant without its sigmoid, under a loss that expects logits."""
    last = replace(variant.layers[-1], activation=None)
    return change(variant, weights, layers=(*variant.layers[:-1], last), loss_path="bce_logits",
                  loss=BinaryCrossentropy(from_logits=True))


def softmax(variant: Variant, weights: Tensors) -> list[tuple[Variant, Tensors]]:
    """Return the same model with two classes: the logit of the first is 0 at the beginning."""
    last = variant.layers[-1]
    assert isinstance(last, Dense)
    wider = {name: value if not name.startswith(f"{last.name}.") else
             np.concatenate([np.zeros_like(value), value], axis=-1)
             for name, value in weights.items()}
    layers = (*variant.layers[:-1], replace(last, units=2, activation="softmax"))
    return change(variant, wider, layers=layers, loss_path="cce_softmax",
                  loss=CategoricalCrossentropy())


def hidden(variant: Variant, weights: Tensors) -> list[tuple[Variant, Tensors]]:
    """Return the variant with relu in its hidden layer; nothing where it has one."""
    layers = tuple(replace(layer, activation="relu")
                   if isinstance(layer, Dense) and layer is not variant.layers[-1] else layer
                   for layer in variant.layers)
    return [] if layers == variant.layers else change(variant, weights, layers=layers)


def draws(variant: Variant, weights: Tensors) -> list[tuple[Variant, Tensors]]:
    """Return the variant from other weights: uniform after Glorot, zero biases."""
    limits = {name: {"": [np.sqrt(6 / sum(value.shape)) if value.ndim == 2 else 0.0,
                          list(value.shape)]} for name, value in weights.items()}
    drawn = [stream.expand({"stream": "splitmix64", "seed": seed, "limits": limits})
             for seed in range(DRAWS)]
    return [(variant, {name: parts[""] for name, parts in one.items()}) for one in drawn]


REMEDIES = (
    Remedy("none: `sigmoid`, `binary_cross_entropy`, SGD 0.1", change),
    Remedy("`from_logits: true`, no sigmoid", logits),
    Remedy("two classes: `softmax`, `categorical_cross_entropy`", softmax),
    Remedy("SGD at 0.01", partial(change, optimizer=SGD(0.01))),
    Remedy("Adam at 0.001", partial(change, optimizer=Adam(0.001))),
    Remedy("Adam at 0.01", partial(change, optimizer=Adam(0.01))),
    Remedy("ReLU in the hidden layer", hidden),
    Remedy("gradients clipped by norm, 0.1", partial(change, clip=ClipNorm(0.1))),
    Remedy("gradients clipped by value, 0.01", partial(change, clip=ClipValue(0.01))),
    Remedy(f"other initial weights, {DRAWS} draws", draws),
)
CASES = ("xor", "imbalanced_binary")


def train(project: Project, elixir: Elixir, case: Case, remedy: Remedy) -> str:
    """Return the cell of a remedy: whether the case's promises are kept, and by what."""
    variant = next(v for v in case.variants if v.name == "bce_sigmoid-sgd_0.1")
    found = list(_trajectories(project, elixir, case, remedy, variant))
    kept = [all(health is None or health.kept for health in (
        evaluate(promise, VariantRecord("", {"float32": one}), "float32")
        for promise in case.promises)) for one in found]
    if not found:
        return "(is so already)"
    if len(found) > 1:
        return f"{'✓' if all(kept) else '✗'} {sum(kept)} of {len(kept)}"
    return f"{'✓' if kept[0] else '✗'} {words(case, found[0])}"


def _trajectories(project: Project, elixir: Elixir, case: Case, remedy: Remedy,
                  variant: Variant) -> Iterator[Trajectory]:
    for changed, weights in remedy.change(variant, project.weights(variant)):
        task = prepare(case, changed, "float32", project.batches(case), weights)
        training: Training = AxonTraining(task, elixir)
        yield training.train()


def words(case: Case, found: Trajectory) -> str:
    """Return the mean loss of the first and the last tenth, the metric, and where NaN begins."""
    tenth = len(found.loss) // 10
    first, last = (float(np.mean(part)) for part in (found.loss[:tenth], found.loss[-tenth:]))
    metric = "accuracy" if case.name == "xor" else "recall"
    broken = "" if found.nonfinite_from is None else f", NaN from step {found.nonfinite_from}"
    return f"{first:.2f} → {last:.3g}, {metric} {found.metrics[metric][-1]:.2g}{broken}"


def measure(project: Project, version: str) -> dict[tuple[str, str], str]:
    """Return the cells of a version, by case and remedy."""
    elixir = Elixir(install.elixir(), install.install(version))
    cells = {(name, remedy.name): train(project, elixir, project.case(name), remedy)
             for name in CASES for remedy in REMEDIES}
    elixir.end()
    return cells


def table(columns: dict[str, dict[tuple[str, str], str]]) -> str:
    """Return the table of the versions that are measured, in Markdown."""
    lines = [f"| case | remedy | {' | '.join(columns)} |", "|---" * (2 + len(columns)) + "|"]
    lines += [f"| {case} | {remedy.name} | "
              f"{' | '.join(cells[case, remedy.name] for cells in columns.values())} |"
              for case in CASES for remedy in REMEDIES]
    return "\n".join(lines)


def main() -> None:
    """Measure, and write the table into the documentation, as far as it is, after each version."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.remedies",
                                     description=__doc__)
    parser.add_argument("versions", nargs="*", default=VERSIONS)
    columns: dict[str, dict[tuple[str, str], str]] = {}
    for version in parser.parse_args().versions:
        columns[version] = measure(Project(ROOT), version)
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        write_text(PAGE, f"{before}{BEGIN}\n{table(columns)}\n{END}{after}")


if __name__ == "__main__":
    main()
