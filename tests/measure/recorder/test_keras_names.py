"""Names, hyperparameters and updates of Keras, without Keras."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from harness.measure.recorder import arrays
from harness.measure.recorder.keras import hyperparameters, wrapping
from harness.measure.recorder.keras.names import Names
from harness.measure.recorder.keras.optimizers import Optimizers
from harness.measure.recorder.recording import Recording


class Sequential:
    """Stands in for a model."""

    def __init__(self, name, *weights):
        self.name, self.layers = name, ["one"]
        self.weights = [SimpleNamespace(name=weight) for weight in weights]


def make_names():
    """Return names of an empty recording."""
    return Names(SimpleNamespace(modules={}))


def test_first_model_gives_paths_as_they_are():
    """The model's own name, which Keras made up, is in no path."""
    model = Sequential("sequential_3", "sequential_3/dense/kernel:0", "dense/bias:0")
    assert [name for name, _ in make_names().learn(model)] == ["dense/kernel", "dense/bias"]


def test_next_model_puts_its_name_before():
    """Two models may have layers of the same names."""
    names = make_names()
    list(names.learn(Sequential("generator", "dense/kernel:0")))
    second = Sequential("sequential", "dense/kernel:0")
    assert [name for name, _ in names.learn(second)] == ["Sequential/dense/kernel"]
    assert names.of_layer(second, ["dense"]) == "Sequential/dense"


def test_equal_names_are_numbered_and_stay():
    """Weights without names of their own are told apart, at each call alike."""
    names, model = make_names(), Sequential("own", "Variable:0", "Variable:0")
    assert [name for name, _ in names.learn(model)] == ["Variable", "Variable#2"]
    assert [name for name, _ in names.learn(model)] == ["Variable", "Variable#2"]


def test_hyperparameters_are_numbers_that_say_something():
    """Private ones, texts, switches that are off and what they switch are left out."""
    optimizer = SimpleNamespace(beta_1=0.9, nesterov=True, amsgrad=False, name="adam", _x=1,
                                clipnorm=None, _learning_rate=0.1, jit_compile=True,
                                use_ema=False, ema_momentum=0.99)
    assert hyperparameters.find(optimizer) == [
        ("beta_1", 0.9), ("learning_rate", 0.1), ("nesterov", True)]


def test_a_method_is_wrapped_once_and_looks_like_itself():
    """The wrapper has the original's name, and is not wrapped again."""
    class Owner:
        def double(self, x):
            """Return twice x."""
            return 2 * x

    for _ in range(2):
        wrapping.wrap(Owner, "double", lambda call, self, x: call(self, x) + 1)
    assert Owner().double(3) == 7
    assert Owner.double.__name__ == "double"


def test_elements_that_are_no_numbers_are_not_read():
    """Texts have no sketch; booleans have."""
    assert arrays.read(np.array(["a"])) is None
    assert arrays.read([True])[0].dtype == bool


def test_bits_of_bfloat16_are_its_own():
    """One and a half survives, there and back."""
    values = np.array([1.5, -2.0, 0.0], np.float32)
    assert (arrays.from_bits(arrays.get_bits(values)) == values).all()


def test_an_update_is_the_same_whether_the_weight_is_remembered():
    """What a weight was after the last update is used again only where it is still that."""
    draw = np.random.default_rng(0)
    steps = [draw.normal(size=20_000).astype(np.float32) for _ in range(3)]
    kept, alone = Recording(), Recording()
    seam = Optimizers(kept, None, None, None, None, None)
    for old, new in ((0, 1), (1, 2), (0, 2)):
        seam._keep_updates(["w"], [(steps[old], "")], [(steps[new], "")])
        Optimizers(alone, None, None, None, None, None)._keep_updates(
            ["w"], [(steps[old], "")], [(steps[new], "")])
    found, expected = kept.events.to_arrays(), alone.events.to_arrays()
    assert all((found[name] == expected[name]).all() for name in found)


def test_arrays_are_found_in_nests():
    """Each has its path."""
    nest = ({"x": np.zeros(2)}, [np.ones(1), "text"])
    assert [place for place, _ in arrays.find(nest)] == ["[0].x", "[1][0]"]
