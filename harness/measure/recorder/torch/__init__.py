"""The seams of torch, 1.8 up: where a program passes by without noticing.

Inside half; imported only once the program has imported torch.
"""

from __future__ import annotations

from harness.measure.recorder import seams
from harness.measure.recorder.recording import Recording
from harness.measure.recorder.torch.compiling import Compiled
from harness.measure.recorder.torch.data import Data
from harness.measure.recorder.torch.forwards import Forwards
from harness.measure.recorder.torch.initial import Initial
from harness.measure.recorder.torch.losses import Losses
from harness.measure.recorder.torch.names import Names
from harness.measure.recorder.torch.operators import Operators
from harness.measure.recorder.torch.optimizers import Optimizers
from harness.measure.recorder.torch.tensors import Reader
from harness.measure.recorder.weights import Weights

COMPILER = "torch._dynamo.eval_frame"
"""What torch imports when a program compiles."""


def install(recording: Recording, weights: Weights) -> None:
    """Hook torch."""
    reader, names = Reader(recording), Names(recording)
    initial = Initial(recording, weights, reader)
    forwards = Forwards(recording, names, reader, initial)
    forwards.install()
    operators = Operators(recording, forwards, reader)
    operators.install()
    optimizers = Optimizers(recording, names, reader, initial, forwards, operators)
    optimizers.install()
    seams.when_imported(COMPILER, Compiled(recording, forwards, optimizers).install)
    Losses(recording, reader, forwards).install()
    Data(recording, reader, forwards).install()
    recording.readers.append(reader.read)
