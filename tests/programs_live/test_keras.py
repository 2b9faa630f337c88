"""Programs of Keras, TensorFlow and JAX: the same bits, and what the seams see of them.

Each runs where its packages are installed: ``tox run -e programs-keras``, ``-tensorflow``,
``-jax``.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "keras_programs"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
TIMES = re.compile(r" \d+m?s(/step|/epoch)?")
EVERY = {"initialisation", "data", "schedule", "forward", "loss", "gradient", "update",
         "evaluation", "reported"}
IN_FIT = EVERY - {"evaluation"}
WITH = {  # program: words behind its name, and the backends of Keras 3 that it runs over
    "keras_fit.py": [(), ("tensorflow", "torch", "jax"), EVERY],
    "keras_batches.py": [(), ("tensorflow", "torch", "jax"), EVERY],
    "keras_executions.py": [(), ("tensorflow", "jax"), IN_FIT],
    "keras_half.py": [(), ("tensorflow", "torch", "jax"), IN_FIT],
    "keras_statistics.py": [(), ("tensorflow", "torch", "jax"), EVERY],
    "keras_custom_step.py": [(), ("tensorflow",), IN_FIT],
    "keras_adversarial.py": [(), ("tensorflow",), IN_FIT],
    "tensorflow_tape.py": [(), ("tensorflow",), EVERY - {"reported"}],
}


def has(name):
    """Return whether a package is installed."""
    return importlib.util.find_spec(name) is not None


def is_new():
    """Return whether Keras 3 is installed."""
    return has("keras") and int(metadata.version("keras").split(".")[0]) >= 3


def find_backends(known=("tensorflow", "torch", "jax")):
    """Yield the backends, out of some, that Keras can run over here."""
    if has("keras") or has("tensorflow"):
        yield from (name for name in (known if is_new() else ("tensorflow",)) if has(name))


def find_programs():
    """Yield program, words, backend and channels, of what can run here."""
    for program, (words, backends, channels) in WITH.items():
        for backend in find_backends(backends):
            yield program, (*words, *(("keras3",) if is_new() else ())), backend, channels
    if has("tensorflow") and not is_new():
        yield "tensorflow_eager.py", (), "tensorflow", {
            "initialisation", "schedule", "loss", "gradient", "update"}
        yield "keras_executions.py", ("jit",), "tensorflow", IN_FIT - {"gradient"}
    if has("optax"):
        yield "jax_optax.py", (), "jax", {
            "initialisation", "schedule", "forward", "loss", "gradient", "update"}


@pytest.fixture(params=list(find_programs()), ids=lambda found: "-".join((found[0], *found[1],
                                                                          found[2])))
def chosen(request, monkeypatch):
    """Return a program with its words, in the environment of its backend."""
    program, words, backend, channels = request.param
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    return (program, *words), channels


def without_times(output):
    """Return what a program printed, without how long it took."""
    return TIMES.sub("", output)


def test_output_and_weights_are_the_same(chosen, launch, record):
    """A program prints its losses and its final weights' digest; every channel has events."""
    words, channels = chosen
    alone = launch([sys.executable, *words], PROGRAMS)
    found, trace = record(*words, folder=PROGRAMS)
    assert alone.code == 0, alone.errors
    assert without_times(found.output) == without_times(alone.output), found.errors
    assert found.code == 0
    assert trace.header["ended"] == "end"
    assert trace.header["updates"] > 0
    assert not [note for note in trace.header["notes"] if note["code"] == "recorder"]
    assert channels <= {row[1] for row in trace.rows()}


@pytest.mark.skipif(not (has("keras") or has("tensorflow")), reason="no Keras")
class TestFit:
    """What the seams see of ``fit``."""

    @pytest.fixture(autouse=True)
    def words(self, monkeypatch):
        """Return the program."""
        monkeypatch.setenv("KERAS_BACKEND",
                           os.environ.get("KERAS_BACKEND", next(find_backends())))
        return ("keras_fit.py", *(("keras3",) if is_new() else ()))

    def test_each_step_has_its_loss_and_learning_rate(self, words, record):
        """Twelve steps; the rate falls after the first epochs; the first loss is the batch's."""
        _, trace = record(*words, folder=PROGRAMS)
        losses, reported = trace.rows("loss"), trace.rows("reported", "batch.loss")
        assert [row[0] for row in losses] == list(range(12))
        assert losses[0][6][0] == pytest.approx(reported[0][6][0], rel=1e-6)
        rates = [row[6][0] for row in trace.rows("schedule", "optimizer[0].learning_rate")]
        assert rates[0] == pytest.approx(0.01) and rates[-1] == pytest.approx(0.001)

    def test_a_program_ends_after_some_updates(self, words, record):
        """The trace has these updates and no more; the program's exit code is none of it."""
        found, trace = record(*words, options=("--steps", "3"), folder=PROGRAMS)
        assert found.code == 0, found.errors
        assert trace.header["ended"] == "steps"
        assert len(trace.rows("loss")) == 3

    def test_weights_are_changed_by_last_bits(self, words, record):
        """Another seed gives other weights, as near as last bits; the losses are near, too."""
        found = [record(*words, options=options, folder=PROGRAMS)[1] for options in
                 ((), ("--perturb", "1"), ("--perturb", "1"), ("--perturb", "2"))]
        first = [trace.rows("initialisation", "dense/kernel")[0] for trace in found]
        assert first[1] == first[2] and len({row[5] for row in first}) == 3
        assert first[1][6][0] == pytest.approx(first[0][6][0], rel=1e-5)
        losses = [[row[6][0] for row in trace.rows("loss")] for trace in found]
        assert losses[1][0] == pytest.approx(losses[0][0], rel=1e-4) and losses[1] != losses[0]

    def test_weights_are_kept_and_loaded(self, words, record, tmp_path):
        """Weights that one run kept are the initial weights of another."""
        path = str(tmp_path / "weights.npz")
        _, perturbed = record(*words, options=("--perturb", "1", "--keep", path), folder=PROGRAMS)
        _, loaded = record(*words, options=("--load", path), folder=PROGRAMS)
        assert loaded.rows("initialisation") == perturbed.rows("initialisation")
        assert loaded.rows("loss") == perturbed.rows("loss")


@pytest.fixture(params=list(find_backends()))
def statistics(request, monkeypatch):
    """Return the program with moving statistics, over one of the backends."""
    monkeypatch.setenv("KERAS_BACKEND", request.param)
    return ("keras_statistics.py", *(("keras3",) if is_new() else ()))


def find_own(trace):
    """Return step and name of what is forward and comes out of no layer."""
    return [(row[0], row[2]) for row in trace.rows("forward") if ":" not in row[2]]


def test_statistics_are_seen_once_they_change(statistics, record):
    """No gradient shows them; seeds, metrics and a frozen layer are no events of theirs."""
    found, trace = record(*statistics, folder=PROGRAMS)
    own = find_own(trace)
    names = sorted({name.rpartition("/")[2] for _, name in own})
    assert names == ["moving_mean", "moving_variance"], found.errors
    assert sorted(step for step, _ in own) == [0, 0, 1, 1, 2, 2]
    last = [row for row in trace.rows("forward") if row[2].endswith("/moving_mean")][-1]
    assert last[6][0] == pytest.approx(float(found.output.split()[-1]), rel=1e-6)


def test_another_momentum_is_seen_where_it_acts(statistics, record):
    """What training does is the same to the bit; statistics differ from the first step on."""
    one, other = (record(*statistics, word, folder=PROGRAMS)[1]
                  for word in ("momentum=0.99", "momentum=0.98"))
    differs = [a[:3] for a, b in zip(one.rows(), other.rows()) if a != b]
    assert len(one.rows()) == len(other.rows())
    trained = [found for found in differs if found[1] != "evaluation"]
    assert [found[0] for found in trained] == [0, 0, 1, 1, 2, 2]
    assert {found[2] for found in trained} == {name for _, name in find_own(one)}
