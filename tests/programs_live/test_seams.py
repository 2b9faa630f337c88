"""What the seams of torch see, of programs whose numbers are known."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

HAS_MODES = importlib.util.find_spec("torch.utils._python_dispatch") is not None
BATCHES = """
import torch
from torch import nn
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(3, 4), nn.Linear(4, 1)
    def forward(self, x):
        return self.head(torch.relu(self.body(x)))
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.1)
data = torch.utils.data.TensorDataset(torch.randn(12, 3), torch.randn(12, 1))
for x, y in torch.utils.data.DataLoader(data, batch_size=4):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(float(loss))
model.eval()
with torch.no_grad():
    model(x)
"""


@pytest.fixture
def write(tmp_path):
    """Return what writes a program into a folder of its own."""
    def save(source):
        (tmp_path / "p.py").write_text(source)
        return {"folder": tmp_path}

    return save


def test_every_channel_of_a_plain_loop(write, record):
    """Losses are the printed ones; an update is minus learning rate times gradient."""
    found, trace = record("p.py", **write(BATCHES))
    assert [row[6][0] for row in trace.rows("loss")] == [
        float(line) for line in found.output.split()]
    rates = [row[6][0] for row in trace.rows("schedule", "optimizer[0].group[0].lr")]
    assert rates == [0.5, 0.5, 0.05]
    assert [(row[0], row[2]) for row in trace.rows("data")] == [
        (step, f"batch[{i}]") for step in range(3) for i in range(2)]
    names = {"body.weight", "body.bias", "head.weight", "head.bias"}
    assert {row[2] for row in trace.rows("initialisation")} == names
    for name in names:
        gradients, updates = trace.rows("gradient", name), trace.rows("update", name)
        assert [row[0] for row in gradients] == [0, 1, 2]
        for rate, gradient, update in zip(rates, gradients, updates):
            assert np.allclose(update[6], [rate * gradient[6][0],
                                           *(-rate * p for p in gradient[6][1:])],
                               rtol=1e-4, atol=1e-6)
    assert [row[2] for row in trace.rows("forward") if row[0] == 0] == [
        "body:output", "head:input[0]", "head:output"]
    assert [(row[0], row[2]) for row in trace.rows("evaluation")] == [
        (3, "Net:input[0]"), (3, "Net:output")]
    assert trace.header["modules"]["body"] == "Linear"


def test_perturbed_weights_differ_by_last_bits(write, record):
    """--perturb moves the weights a little, --keep and --load give them to another run."""
    where = write(BATCHES)
    keep = ["--keep", str(where["folder"] / "w.npz")]
    _, plain = record("p.py", **where)
    _, moved = record("p.py", options=["--perturb", "1", *keep], **where)
    _, loaded = record("p.py", options=["--load", str(where["folder"] / "w.npz")], **where)
    for one, other, third in zip(*(trace.rows("initialisation")
                                   for trace in (plain, moved, loaded))):
        assert one[5] != other[5]
        assert np.allclose(one[6], other[6], rtol=1e-4, atol=1e-5)
        assert other[5:] == third[5:]
    assert moved.rows("loss") == loaded.rows("loss") != plain.rows("loss")


LOADED = BATCHES.replace("optimizer =", """model(torch.ones(1, 3))
model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()})
optimizer =""")


def test_weights_loaded_after_a_first_call_are_perturbed(write, record):
    """A model may be called once before its weights are loaded: those are taken in again."""
    where = write(LOADED)
    _, plain = record("p.py", **where)
    _, moved = record("p.py", options=["--perturb", "1"], **where)
    for trace in (plain, moved):
        assert {row[3] for row in trace.rows("initialisation")} == {0, 1}
    assert plain.rows("update", "body.weight")[0][5] != moved.rows("update", "body.weight")[0][5]


def test_whole_tensors_of_a_step(write, record):
    """--capture keeps what the sketches were made of, and ends the program."""
    where = write(BATCHES)
    path = where["folder"] / "c.npz"
    found, trace = record("p.py", options=["--capture", "1", "--tensors", str(path)], **where)
    assert (found.code, trace.header["ended"], trace.header["updates"]) == (0, "capture", 2)
    with np.load(str(path)) as file:
        for step, channel, name, occurrence, size, _, values in trace.rows():
            if step == 1 and size:
                whole = file[f"{step}|{channel}|{name}|{occurrence}"]
                assert np.linalg.norm(whole.astype(float)) == pytest.approx(values[0], rel=1e-6)
        operators = [key.split("|")[2] for key in file.files if "|operator|" in key]
    if HAS_MODES:
        assert operators[:2] == ["body:aten.t.default", "body:aten.addmm.default"]
        assert {"Net:aten.relu.default", "backward:aten.mm.default"} <= set(operators)


def test_program_is_ended_after_so_many_steps(write, record):
    """--steps ends the program from within; its exit code is 0."""
    found, trace = record("p.py", options=["--steps", "2"], **write(BATCHES))
    assert (found.code, trace.header["ended"], trace.header["updates"]) == (0, "steps", 2)
    assert len(found.output.split()) == 1


def test_fewer_steps_in_detail(write, record):
    """--every looks at tensors now and then, at losses and data always."""
    _, trace = record("p.py", options=["--every", "2"], **write(BATCHES))
    assert {row[0] for row in trace.rows("gradient")} == {0, 2}
    assert [row[0] for row in trace.rows("loss")] == [0, 1, 2]


REPORTED = BATCHES + """
import harness
harness.record("accuracy", 0.25)
harness.record("mask", torch.ones(2, 2))
"""


def test_reported_figures_and_tensors(write, record):
    """harness.record takes numbers and tensors of torch."""
    _, trace = record("p.py", **write(REPORTED))
    assert trace.rows("reported")[0][2:] == ("accuracy", 0, 0, 0, [0.25, 0.0, 0.0, 0.0])
    assert trace.rows("forward", "mask")[0][4] == 4


def test_program_without_training_says_so(write, record):
    """A model that is only evaluated leaves a trace with the reason."""
    found, trace = record("p.py", **write("import torch\nprint(torch.nn.Linear(2, 2)"
                                          "(torch.ones(1, 2)).shape)"))
    assert found.code == 0
    assert {note["code"] for note in trace.header["notes"]} == {"no training"}


def test_several_processes_leave_one_trace(record):
    """Of two processes that train, the first is recorded, under the model's own names."""
    _, trace = record("processes.py")
    assert {row[2] for row in trace.rows("update")} == {"weight", "bias"}
    assert trace.header["updates"] == 4


def test_closure_is_read_when_it_was_evaluated(record):
    """L-BFGS evaluates its closure as often as it likes; one update a step is counted."""
    _, trace = record("closure.py")
    assert trace.header["updates"] == 8
    assert len(trace.rows("loss")) > 8
    assert len(trace.rows("gradient")) == len(trace.rows("update")) == 4 * 8
    assert {row[2] for row in trace.rows("update")} == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_two_models_have_names_of_their_own(record):
    """The second model's names begin with its class."""
    _, trace = record("adversarial.py")
    assert {row[2] for row in trace.rows("update")} == {
        *(f"{place}.{part}" for place in "02" for part in ("weight", "bias")),
        *(f"Sequential#2.{place}.{part}" for place in "02" for part in ("weight", "bias"))}


BUFFERS = """
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
model.register_buffer("scale", torch.ones(2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for _ in range(2):
    optimizer.zero_grad()
    model(torch.randn(5, 3)).square().mean().backward()
    optimizer.step()
print(model[1].running_mean.norm().item())
"""


def test_statistics_are_seen_once_they_change(write, record):
    """No gradient shows them; a buffer that stays as it is is no event."""
    found, trace = record("p.py", **write(BUFFERS))
    statistics = trace.rows("forward", "1.running_mean")
    assert [row[0] for row in statistics] == [0, 1]
    assert statistics[1][6][0] == pytest.approx(float(found.output), rel=1e-6)
    assert {row[2] for row in trace.rows("forward") if ":" not in row[2]} == {
        "1.running_mean", "1.running_var"}


SPARSE = """
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Embedding(10, 3, sparse=True)
optimizer = torch.optim.SparseAdam(list(model.parameters()))
model(torch.tensor([{rows}])).sum().backward()
optimizer.step()
"""


def test_a_sparse_gradient_is_of_its_rows(write, record):
    """The same numbers in other rows are another gradient."""
    one, other = (record("p.py", **write(SPARSE.format(rows=rows)))[1] for rows in ("1, 4", "2, 4"))
    values, rows = (
        [trace.rows("gradient", name)[0][5] for trace in (one, other)]
        for name in ("weight", "weight:indices"))
    assert values[0] == values[1] and rows[0] != rows[1]
