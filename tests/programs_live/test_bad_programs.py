"""What programs do that keeps them from being tried: each told in four parts, none a match."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cyclopts", reason="harness try is of the outside half")
from harness.commands.cli import main

SIDE = os.environ.get("HARNESS_PROGRAMS_SIDE", sys.prefix)
"""Folder of an environment with torch."""
HEAD = """
import os, sys, time
import torch
torch.manual_seed(0)
net = torch.nn.Linear(4, 1)
x = torch.randn(16, 4)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
def step():
    loss = net(x).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
LOAD = """
path = os.path.join(os.environ["ELSEWHERE"], "model.pt")
if os.path.exists(path):
    net.load_state_dict(torch.load(path))
step()
torch.save(net.state_dict(), path)
"""
SPAWN = """
import torch, torch.multiprocessing
def train(rank):
    net = torch.nn.Linear(4, 1)
    torch.optim.SGD(net.parameters(), lr=0.1).step()
if __name__ == "__main__":
    torch.multiprocessing.spawn(train, nprocs=1)
"""
THREAD = "import threading\nthread = threading.Thread(target=step)\nthread.start()\nthread.join()\n"
FORK = "step()\nif os.fork() == 0:\n    step()\n    os._exit(0)\nos.wait()\nstep()\n"
WORKERS = """
data = torch.utils.data.TensorDataset(x, x.sum(1, keepdim=True))
for inputs, targets in torch.utils.data.DataLoader(data, 4, shuffle=True, num_workers=2):
    loss = (net(inputs) - targets).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
BAD = {
    "fails on one side": (f"{HEAD}step()\nif 'OTHER' in os.environ: raise ValueError('why')\n",
                          "failed on the observed side with exit code 1", "why"),
    "trains nothing": (f"{HEAD}print(net(x).sum().item())\n", "trains nothing on the baseline side",
                       "no optimizer finished an update"),
    "never ends": (f"{HEAD}while True: step(); time.sleep(0.1)\n",
                   "did not end within 60 s on the baseline side", "--steps N"),
    "trains in spawned processes": (SPAWN, "trains nothing on the baseline side", "no optimizer"),
    "trains in another thread": (f"{HEAD}{THREAD}", "trains nothing on the baseline side",
                                 "another thread of the program trains, which is not recorded"),
    "draws its own seeds": (HEAD.replace("manual_seed(0)", "seed()") + "step()\n",
                            "have different initial weights", "set the program's seeds"),
    "reads what the first run wrote": (f"{HEAD}{LOAD}", "reads a file that the run before it wrote",
                                       "model.pt"),
    "needs a GPU": (f"{HEAD}raise RuntimeError('No CUDA GPUs are available')\n",
                    "needs a GPU, and the baseline side finds none", "on the CPU"),
    "ends past Python": (f"{HEAD}step()\nos.execv('/bin/true', ['true'])\n",
                         "left no trace on the baseline side",
                         "without the recorder"),
}


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
          ) -> Any:
    """Return what tries a program, and returns the exit code and what is said."""
    folder = tmp_path / "program"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path.parent / "cache"))
    monkeypatch.setenv("ELSEWHERE", str(tmp_path))

    def run(text: str, *options: str) -> tuple[int, str, str]:
        (folder / "train.py").write_text(text)
        code = main(["try", "--baseline", SIDE, "--observed-env", "OTHER=1", *options, "--",
                     "python", "train.py"])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("kind", BAD)
def test_a_program_that_cannot_be_tried_is_told(tried: Any, kind: str) -> None:
    """What, where, the numbers and the next command; exit code 3."""
    text, what, more = BAD[kind]
    code, out, errors = tried(text, "--limit", "60")
    assert (code, out) == (3, ""), out
    assert what in errors and more in errors
    assert all(f"\n  {part}" in errors for part in ("where:", "found:", "next:"))


def test_a_rank_of_a_launcher_is_told(tried: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank 0 is recorded and that is said; another one is refused."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, out, _ = tried(f"{HEAD}step()\n")
    assert code == 0 and "2 processes train; this is rank 0" in out
    monkeypatch.setenv("RANK", "1")
    code, out, errors = tried(f"{HEAD}step()\n")
    assert (code, out) == (3, "") and "RANK=1" in errors


@pytest.mark.parametrize(("text", "note"), [
    (FORK, "a process that the program forked trains, which is not recorded"), (WORKERS, "")])
def test_processes_beside_the_one_that_trains(tried: Any, text: str, note: str) -> None:
    """One that trains as well is told of; workers that load data are none of these."""
    code, out, _ = tried(HEAD + text)
    assert code == 0 and "identical" in out
    assert note in out and ("note: " in out) == bool(note)


def test_a_framework_that_came_before_the_recorder_is_recorded(tried: Any, tmp_path: Path) -> None:
    """A side's own Python imports torch as it starts."""
    (tmp_path / "sitecustomize.py").write_text("import torch\n")
    code, out, _ = tried(f"{HEAD}step()\n", "--baseline-env", f"PYTHONPATH={tmp_path}",
                         "--observed-env", f"PYTHONPATH={tmp_path}")
    assert code == 0 and "of 1 update" in out
