"""Hyperparameters of an optimizer of Keras, the learning rate of the present step among them.

Inside half.
"""

from __future__ import annotations

from typing import Any, Iterator

SWITCHES = ("amsgrad", "centered", "nesterov", "use_ema")
LEARNING_RATE = "learning_rate"


def find(optimizer: Any) -> list[tuple[str, Any]]:
    """Return names and values, which may be tensors of a graph."""
    inner = getattr(optimizer, "inner_optimizer", None)
    if inner is not None:
        return find(inner)
    found = dict(_find_plain(optimizer))
    if hasattr(optimizer, "_hyper"):
        found.update(_find_old(optimizer))
    else:
        found[LEARNING_RATE] = _get_learning_rate(optimizer)
    return sorted(found.items())


def _find_plain(optimizer: Any) -> Iterator[tuple[str, Any]]:
    idle = () if vars(optimizer).get("use_ema") else ("ema_momentum",)
    for name, value in vars(optimizer).items():
        if name in idle or name.startswith("_") or not isinstance(value, (int, float)):
            continue
        if not isinstance(value, bool) or (value and name in SWITCHES):
            yield name, value


def _find_old(optimizer: Any) -> Iterator[tuple[str, Any]]:
    """Yield those of ``OptimizerV2``, up to TensorFlow 2.10, and its legacy until 2.15.

    Its decay is in the learning rate of the step.
    """
    for name in optimizer._hyper:
        if name == "decay":
            continue
        if name == LEARNING_RATE:
            yield name, optimizer._decayed_lr("float32")
        else:
            yield name, optimizer._get_hyper(name, "float32")


def _get_learning_rate(optimizer: Any) -> Any:
    if hasattr(optimizer, "_get_current_learning_rate"):
        rate = optimizer._get_current_learning_rate()
        value = getattr(rate, "value", rate)
        return rate if callable(value) else value
    rate = optimizer._learning_rate
    return rate(optimizer.iterations) if callable(rate) and not hasattr(rate, "assign") else rate
