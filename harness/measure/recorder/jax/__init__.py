"""The seams of JAX: an optimizer of optax that the program watches, and what Keras needs.

Inside half; imported only once the program has imported JAX.
"""

from __future__ import annotations

from harness.measure.recorder.jax.taps import Taps
from harness.measure.recorder.jax.watching import Watching
from harness.measure.recorder.recording import Recording
from harness.measure.recorder.weights import Weights

_taps: dict[int, Taps] = {}


def install(recording: Recording, weights: Weights) -> None:
    """Hook JAX: nothing is seen but what the program watches or records."""
    taps = find_taps(recording)
    recording.takers.append(taps.take)
    recording.watchers.append(Watching(recording, weights, taps).watch)


def find_taps(recording: Recording) -> Taps:
    """Return the taps of a recording, which Keras shares."""
    return _taps.setdefault(id(recording), Taps(recording))
