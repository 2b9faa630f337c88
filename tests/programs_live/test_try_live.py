"""``harness try`` on real programs of torch: both sides are one environment, and differ by hand."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cyclopts", reason="harness try is of the outside half")
from harness.commands.cli import main

SIDE = os.environ.get("HARNESS_PROGRAMS_SIDE", sys.prefix)
"""Folder of an environment with torch."""
TRAIN = """
import json, os, sys, time
import torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
inputs = torch.randn(32, 4)
targets = inputs.sum(1, keepdim=True).sin()
if os.path.exists("model.pt"):
    net.load_state_dict(torch.load("model.pt"))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
factor = float(os.environ.get("FACTOR", "1"))
for step in range(12):
    loss = torch.nn.functional.mse_loss(net(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    if step >= 5:
        net[2].weight.grad.mul_(factor)
    if "--slow" in sys.argv:
        optimizer.param_groups[0]["lr"] = 0.05
    optimizer.step()
print(f"loss {loss.item():.4f} at {time.time():.3f}")
torch.save(net.state_dict(), "model.pt")
json.dump({"loss": loss.item()}, open("metrics.json", "w"))
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what tries the program, and returns the exit code and the verdict as JSON."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path.parent / "cache"))
    Path("train.py").write_text(TRAIN)

    def tell(*options: str) -> tuple[int, dict[str, Any]]:
        code = main(["try", "--baseline", SIDE, *options, "--output", "metrics.json", "--json",
                     "verdict.json", "--", "python", "train.py"])
        return code, json.loads(Path("verdict.json").read_text())

    return tell


def test_one_side_twice_is_identical(told: Any) -> None:
    """Three runs are enough, though the program prints the time, and resumes where it can."""
    code, verdict = told("--observed", SIDE)
    assert (code, verdict["verdict"]) == (0, "identical")
    assert list(verdict["session"]["seconds"]) == ["baseline", "observed", "repeated"]
    assert not Path("model.pt").exists()


def test_a_changed_gradient_is_named_with_its_factor(told: Any) -> None:
    """Step, channel, tensor and factor; the update that follows from it is no cause."""
    code, verdict = told("--observed-env", "FACTOR=1.01")
    first = verdict["causes"][0]
    assert (code, first["channel"], first["step"]) == (1, "gradient", 5)
    assert first["tensor"].endswith("2.weight")
    assert first["factor"] == pytest.approx(1.01, rel=1e-4)
    assert verdict["sides"]["differences"] == [
        {"kind": "variable", "name": "FACTOR", "baseline": "", "observed": "1.01",
         "is_named": True}]


def test_a_changed_learning_rate_is_of_the_schedule(told: Any) -> None:
    """An argument of one side changes the schedule, and that comes first."""
    code, verdict = told("--observed-arg=--slow")
    assert (code, verdict["causes"][0]["channel"]) == (1, "schedule")
