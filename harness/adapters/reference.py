"""The reference as an adapter: NumPy, float64 and float32, and the envelope."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.adapters import Task
from harness.record import Trajectory
from harness.reference import training

PACKAGES = ("numpy",)
COPIES = 8
"""Perturbed float32 runs from which an allowance is learned."""


def describe() -> dict[str, Any]:
    """Return the settings that could change the numbers."""
    return {"perturbed_copies": COPIES}


def train(task: Task) -> Trajectory:
    """Train one run, in float32 together with the perturbed copies."""
    copies = COPIES if task.precision == "float32" else 0
    runs = training.train(task, training.perturb(task.weights, copies))
    trajectory = task.trajectory(runs.losses[:, 0], runs.gradients[:, 0], runs.states[:, 0],
                                 [prediction[0] for prediction in runs.predictions])
    if copies:
        updates = np.diff(runs.states, axis=0)
        curves = {"loss": runs.losses,
                  "gradient_norm": np.linalg.norm(runs.gradients, axis=-1),
                  "update_norm": np.linalg.norm(updates, axis=-1)}
        trajectory.envelope = {name: training.envelope(curve) for name, curve in curves.items()}
    return trajectory
