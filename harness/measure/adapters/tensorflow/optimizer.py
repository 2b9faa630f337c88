"""Keras' own optimizers, with their own clipping and schedules."""

from __future__ import annotations

import inspect
from typing import Any, Sequence

import tensorflow as tf

from harness.errors import UnsupportedError
from harness.vocabulary.case import Variant
from harness.vocabulary.optimizers import (
    SGD,
    Adam,
    AdamW,
    Clip,
    ClipNorm,
    ClipValue,
    LearningRate,
    StepDecay,
)

keras = tf.keras


def build_optimizer(variant: Variant, variables: Sequence[Any]) -> Any:
    """Return the variant's optimizer, its state made for these variables.

    Raises:
        UnsupportedError: this Keras has no such optimizer, or not this option of it.
    """
    declared, clip = variant.optimizer, build_clip(variant.clip)
    if isinstance(declared, SGD):
        optimizer = _sgd(declared, clip)
    elif isinstance(declared, (Adam, AdamW)):
        optimizer = _adam(declared, clip)
    else:
        raise UnsupportedError(f"tensorflow: no optimizer {declared!r}")
    if hasattr(optimizer, "build"):
        optimizer.build(variables)
    else:  # Keras before 2.11
        optimizer._create_all_weights(variables)
    return optimizer


def build_clip(clip: Clip | None) -> dict[str, float]:
    """Return the optimizer's argument that clips so."""
    if isinstance(clip, ClipNorm):
        return {"global_clipnorm": clip.maximum}
    if isinstance(clip, ClipValue):
        return {"clipvalue": clip.maximum}
    if clip is not None:
        raise UnsupportedError(f"tensorflow: no clipping {clip!r}")
    return {}


def build_rate(rate: LearningRate) -> Any:
    """Return Keras' own learning-rate schedule, or the number."""
    if isinstance(rate, StepDecay):
        return keras.optimizers.schedules.ExponentialDecay(
            rate.initial, rate.every, rate.factor, staircase=True)
    if isinstance(rate, float):
        return rate
    raise UnsupportedError(f"tensorflow: no learning rate {rate!r}")


class State:
    """An optimizer's variables and their values when it was new, less the learning rate."""

    def __init__(self, optimizer: Any) -> None:
        variables = optimizer.variables
        self.variables = [variable for variable in (variables() if callable(variables)
                                                    else variables)
                          if "learning_rate" not in variable.name]
        if not any(variable is optimizer.iterations for variable in self.variables):
            self.variables.append(optimizer.iterations)  # TensorFlow 2.10's experimental ones
        self.values = [variable.numpy() for variable in self.variables]

    def restore(self) -> None:
        """Make the optimizer new again."""
        for variable, value in zip(self.variables, self.values):
            variable.assign(value)


def _sgd(declared: SGD, clip: dict[str, float]) -> Any:
    if declared.maximize:
        raise UnsupportedError("tensorflow: Keras' SGD cannot maximize")
    decay: dict[str, float] = {}
    if declared.weight_decay:
        if "weight_decay" not in inspect.signature(keras.optimizers.SGD).parameters:
            raise UnsupportedError("tensorflow: this Keras' SGD has no weight_decay")
        if declared.momentum:
            raise UnsupportedError("tensorflow: Keras' SGD decays apart from the momentum")
        decay = {"weight_decay": declared.weight_decay}
    return keras.optimizers.SGD(build_rate(declared.learning_rate), declared.momentum,
                                **decay, **clip)


def _adam(declared: Adam | AdamW, clip: dict[str, float]) -> Any:
    options = {"beta_1": declared.beta_1, "beta_2": declared.beta_2,
               "epsilon": declared.epsilon, **clip}
    rate = build_rate(declared.learning_rate)
    if isinstance(declared, Adam):
        return keras.optimizers.Adam(rate, **options)
    adamw = getattr(_home_of_adamw(), "AdamW", None)
    if adamw is None:
        raise UnsupportedError(f"TensorFlow {tf.__version__} has no AdamW")
    return adamw(rate, weight_decay=declared.weight_decay, **options)


def _home_of_adamw() -> Any:
    """Return where users find AdamW; TensorFlow 2.9 to 2.11 call it experimental."""
    optimizers = keras.optimizers
    return optimizers if hasattr(optimizers, "AdamW") else getattr(optimizers, "experimental", None)
