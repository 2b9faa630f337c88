"""Axon's adapter without Elixir: pins, checkouts, messages, and what its answers become."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.environments import names as environments
from harness.environments import pins
from harness.errors import HarnessError, UnsupportedError, WorkerError
from harness.measure.adapters import axon
from harness.measure.adapters.axon import install
from harness.measure.adapters.axon.process import Elixir
from harness.measure.adapters.axon.training import AxonTraining
from harness.measure.adapters.task import Task, prepare
from harness.records.project import Project, select_variants

FAKE = '''#!{python}
"""Answers as runner.exs does: step t has loss t and gradients t, and adds 1 to each weight."""
import base64, json, struct, sys

def pack(numbers):
    return base64.b64encode(struct.pack("<%d%s" % (len(numbers), kind), *numbers)).decode()

def answer(**fields):
    print(json.dumps(fields), flush=True)

def flat(numbers):
    return [x for n in numbers for x in flat(n)] if isinstance(numbers, list) else [numbers]

answer(elixir="1.14.0", otp="25")
for order in map(json.loads, sys.stdin):
    if order["do"] == "build":
        with open(order["path"]) as file:
            it = json.load(file)
        kind = {{"float64": "d", "float32": "f"}}[order["precision"]]
        examples = len(it["evaluation"]["targets"])
        if it["clip"]:
            answer(unsupported="Axon: no way here to express " + it["clip"]["type"])
            continue
    weights = [x for n in it["parameters"] for x in flat(order.get("weights", it["weights"])[n])]
    steps = len(it["batches"]["targets"])
    if order["do"] == "train":
        for t in range(steps):
            if t in it["evaluation_steps"]:
                answer(prediction=pack([0.75] * examples))
            answer(row=pack([t] + [t] * len(weights) + [w + t + 1 for w in weights]))
        answer(prediction=pack([0.25] * examples))
    if order["do"] == "step":
        if order["batch"]["targets"][0][0] > 1:
            answer(error="ArithmeticError: bad argument")
            continue
        if order["batch"]["targets"][0][0] < 0:
            sys.exit(7)
        answer(outputs=pack([0.5] * len(order["batch"]["targets"])), output_gradient=None,
               row=pack([2] + [3] * len(weights) + [w + 4 for w in weights]))
    answer(done=order["id"])
'''


@pytest.fixture
def elixir(tmp_path: Path) -> Iterator[Elixir]:
    """Yield a process that answers as the runner does, without Elixir."""
    command = tmp_path / "elixir"
    command.write_text(FAKE.format(python=sys.executable))
    command.chmod(0o755)
    process = Elixir(str(command), [])
    yield process
    process.end()


def task(checkout: Project, pattern: str = "bce_sigmoid-sgd_0.1",
         precision: str = "float32") -> Task:
    """Return the task of a variant of XOR."""
    case = checkout.case("xor")
    variant = select_variants(case, [pattern])[0]
    return prepare(case, variant, precision, checkout.batches(case), checkout.weights(variant))


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_training_becomes_a_trajectory(checkout: Project, elixir: Elixir,
                                         precision: str) -> None:
    """Losses, norms and metrics are those of the steps that were answered."""
    given = task(checkout, precision=precision)
    size = sum(value.size for value in given.weights.values())
    found = AxonTraining(given, elixir).train()
    assert found.loss[:3] == [0, 1, 2] and len(found.loss) == given.batches.steps
    assert np.allclose(found.gradient_norm[:3], np.sqrt(size) * np.arange(3))
    assert np.allclose(found.update_norm, np.sqrt(size), rtol=1e-4)
    assert found.metrics["step"] == list(given.evaluation_steps)
    assert found.nonfinite_from is None


def test_a_step_is_split_into_tensors(checkout: Project, elixir: Elixir) -> None:
    """Gradients and updates have the names and shapes of the parameters."""
    given = task(checkout)
    step = AxonTraining(given, elixir).probe(given.weights, given.batches[0])
    assert step.loss == 2 and step.outputs.shape == (32, 1)
    for name, value in given.weights.items():
        assert step.gradients[name].shape == value.shape and np.all(step.gradients[name] == 3)
        assert np.allclose(step.updates[name], 4)


def test_what_axon_cannot_do_is_said(checkout: Project, elixir: Elixir) -> None:
    """Unsupported, an error of Axon's, and the end of the process are three things."""
    with pytest.raises(UnsupportedError, match="ClipNorm"):
        AxonTraining(task(checkout, "*clipnorm*"), elixir)
    given = task(checkout)
    training, batch = AxonTraining(given, elixir), given.batches[0]
    batch.targets[:] = 2
    with pytest.raises(HarnessError, match="ArithmeticError"):
        training.probe(given.weights, batch)
    batch.targets[:] = 1
    assert training.loss(given.weights, batch) == 2  # it goes on
    batch.targets[:] = -1
    for _ in range(2):
        with pytest.raises(WorkerError, match="ended"):
            training.probe(given.weights, batch)


def test_after_its_process_was_killed_axon_is_started_again(
        checkout: Project, elixir: Elixir, monkeypatch: pytest.MonkeyPatch) -> None:
    """One training fails, the next one has a process of its own."""
    monkeypatch.setattr(install, "elixir", lambda: elixir.process.args[0])
    monkeypatch.setattr(install, "install", lambda version: [])
    monkeypatch.setattr(axon, "_RUNNING", {})
    axon.start("axon-0.6.1")
    given = task(checkout)
    first, running = axon.build(given), axon._RUNNING["elixir"].process
    running.kill()
    running.wait()
    with pytest.raises(WorkerError, match="exit code -9"):
        first.train()
    assert axon.build(given).train().loss[:2] == [0, 1]
    assert axon.packages()["axon"] == "0.6.1" and axon.describe()["elixir"] == "1.14.0"
    axon._RUNNING["elixir"].end()


def test_every_version_is_pinned() -> None:
    """Packages come in the order in which they build on each other, Axon last."""
    locks = json.loads((install.HOME / "locks.json").read_text(encoding="utf-8"))
    assert {"0.4.1", "0.6.0", "0.6.1", "0.7.0", "0.8.1"} <= locks["packages"].keys()
    for version, packages in locks["packages"].items():
        names = list(packages)
        assert packages["axon"] == version and names[-1] == "axon"
        assert names.index("complex") < names.index("nx")
        assert ("polaris" in names) == (version >= "0.6")
    releases = [f"axon-{version}" for version in locks["packages"] if "dev" not in version]
    assert environments.with_elixir(install.HOME.parents[3]) == releases
    assert pins.requirements("axon-0.6.1") == pins.requirements("reference")


def test_a_version_that_is_not_pinned_is_refused() -> None:
    """The message names those that are."""
    with pytest.raises(HarnessError, match=r"0\.1\.0 is not pinned") as caught:
        install.install("0.1.0")
    assert "0.6.1" in caught.value.numbers


def test_without_elixir_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes from the system."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(HarnessError, match="needs Elixir") as caught:
        install.install("0.6.1")
    assert "apt-get install elixir" in caught.value.next_command


def git(folder: Path, *arguments: str) -> None:
    """Run git, as somebody."""
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b",
                    *arguments], check=True, capture_output=True)


def test_checkouts_give_a_package_at_its_version(tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a repository, bare or not, the tag's sources are taken, from its own folder if any."""
    monkeypatch.setenv(install.CHECKOUTS, str(tmp_path))
    for name, place in (("polaris", "lib"), ("nx", "nx/lib")):
        source = tmp_path / name / place / "code.ex"
        source.parent.mkdir(parents=True)
        git(tmp_path / name, "init")
        for version in ("1.0.0", "2.0.0"):
            source.write_text(version)
            git(tmp_path / name, "add", ".")
            git(tmp_path / name, "commit", "-m", version)
            git(tmp_path / name, "tag", f"v{version}")
        found = install._export(name, "1.0.0", tmp_path / "sources")
        assert (found / "lib" / "code.ex").read_text() == "1.0.0"
    with pytest.raises(HarnessError, match=r"no nx 3\.0\.0") as caught:
        install._export("nx", "3.0.0", tmp_path / "sources")
    assert "fetch --tags" in caught.value.next_command
