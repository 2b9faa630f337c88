"""Axon under real Elixir: the defect of 0.6.1 is named by a probe, and nothing else differs.

Skipped, and said so, where there is no Elixir or no packages for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.measure import probes
from harness.measure.adapters.axon import install
from harness.measure.adapters.axon.process import Elixir
from harness.measure.adapters.axon.training import AxonTraining
from harness.measure.adapters.task import prepare
from harness.records.project import Project, select_variants
from harness.records.record import Probes

pytestmark = [
    pytest.mark.skipif(shutil.which("elixir") is None, reason="there is no Elixir here"),
    pytest.mark.skipif(install.CHECKOUTS not in os.environ,
                       reason=f"{install.CHECKOUTS} names no checkouts of Axon's packages")]
RIGHT, BROKEN = "0.6.0", "0.6.1"
SAME_BITS = Path(__file__).with_name("same_bits.exs")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "harness-elixir"


@pytest.fixture(scope="module", params=[RIGHT, BROKEN])
def axon(request: pytest.FixtureRequest) -> Iterator[tuple[str, Elixir]]:
    """Yield a version and its process; packages are compiled once."""
    process = Elixir(install.elixir(), install.install(request.param, CACHE))
    yield request.param, process
    process.end()


def probe(checkout: Project, elixir: Elixir, pattern: str, name: str = "imbalanced_binary",
          precision: str = "float32") -> Probes:
    """Return the probes of a variant at step 0."""
    case = checkout.case(name)
    variant = select_variants(case, [pattern])[0]
    batches, weights = checkout.batches(case), checkout.weights(variant)
    task = prepare(case, variant, precision, batches, weights)
    first = next(probes.checkpoints(case, variant, batches, weights))
    expected = probes.expect(variant, first)
    assert expected is not None
    return probes.measure(task, AxonTraining(task, elixir), [(first, expected)])


def test_sums_of_products_keep_their_bits(axon: tuple[str, Elixir]) -> None:
    """The faster loops give what the backend's own give, of any kind of numbers."""
    paths = install.install(axon[0], CACHE)
    found = subprocess.run([install.elixir(), str(SAME_BITS), str(install.HOME), *paths],
                           capture_output=True, check=True, encoding="utf-8")
    assert found.stdout == "same"


def off(found: Probes) -> list[str]:
    """Return the tensors that are off at step 0."""
    return [tensor for tensor, error, limit in zip(
        found.tensors, found.errors["step_0"], found.allowances["step_0"], strict=True)
        if error > limit]


def test_the_gradient_of_a_sigmoid_is_what_0_6_1_broke(checkout: Project,
                                                       axon: tuple[str, Elixir]) -> None:
    """Outputs and loss are right; the first tensor that is off is a gradient, of all of them."""
    version, elixir = axon
    found = off(probe(checkout, elixir, "bce_sigmoid-sgd_0.1"))
    if version == RIGHT:
        assert found == []
    else:
        assert found[0] == "gradient of dense_1.bias"
        assert not {"outputs", "loss"} & set(found)


@pytest.mark.parametrize("pattern", ["bce_logits-sgd_0.1", "cce_softmax-sgd_0.1"])
def test_other_losses_are_clean(checkout: Project, axon: tuple[str, Elixir],
                                pattern: str) -> None:
    """What takes another way to its gradient is right in both versions."""
    assert off(probe(checkout, axon[1], pattern)) == []


def test_an_anonymous_sigmoid_is_broken_in_both(checkout: Project,
                                                axon: tuple[str, Elixir]) -> None:
    """The defect was there before 0.6.1, wherever a loss could not see the sigmoid."""
    assert off(probe(checkout, axon[1], "bce_lambda-sgd_0.1"))[0] == "gradient of dense_1.bias"


def test_softplus_has_no_gradient_at_0(checkout: Project, axon: tuple[str, Elixir]) -> None:
    """XOR's (0, 0) gives a logit of exactly 0 at step 0: its gradient is missing in the biases."""
    assert off(probe(checkout, axon[1], "bce_logits-sgd_0.1", "xor"))[:2] \
        == ["gradient of dense_1.bias", "gradient of dense_0.bias"]


def test_a_loop_has_a_wrong_gradient(checkout: Project, axon: tuple[str, Elixir]) -> None:
    """Unrolled by a loop, as by default, an LSTM goes forth rightly and back wrongly; else not."""
    found = probe(checkout, axon[1], "lstm_reduction_none-sgd_0.3", "masked_sequences")
    assert off(found)[0] == "gradient of lstm.bias"
    assert off(probe(checkout, axon[1], "lstm_reduction_none-sgd_0.3", "masked_sequences",
                     "float64")) == []


def test_a_decoder_is_right(checkout: Project, axon: tuple[str, Elixir]) -> None:
    """Of embedding, attention and residuals every tensor is the reference's."""
    assert off(probe(checkout, axon[1], "decoder_reduction_none-sgd_0.3", "masked_sequences")) == []


def test_convolutions_are_right_up_to_the_loss(checkout: Project,
                                               axon: tuple[str, Elixir]) -> None:
    """In 0.6.1 the loss breaks every gradient behind it; otherwise all tensors are right."""
    found = off(probe(checkout, axon[1], "bce_sigmoid-sgd_0.05", "conv1d_stability"))
    assert found[:1] == (["gradient of dense_2.bias"] if axon[0] == BROKEN else [])


def test_a_training_goes_past_overflow(checkout: Project, axon: tuple[str, Elixir]) -> None:
    """A training that diverges ends with NaN and not with an error of Erlang's."""
    version, elixir = axon
    case = checkout.case("imbalanced_binary")
    variant = select_variants(case, ["bce_sigmoid-sgd_0.1"])[0]
    task = prepare(case, variant, "float32", checkout.batches(case), checkout.weights(variant))
    found = AxonTraining(task, elixir).train()
    assert len(found.loss) == task.batches.steps
    assert found.nonfinite_from == (93 if version == BROKEN else None)
    second = 0.816837 if version == BROKEN else 0.72698104  # of the recorded curves
    assert np.isclose(found.loss[1], second, rtol=1e-7, atol=0)
