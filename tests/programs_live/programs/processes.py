"""Two processes that train one model by DistributedDataParallel, and children forked besides."""

import hashlib
import os
import socket
import sys

import torch
from torch import nn


def train(rank, port):
    """Train in one of the processes."""
    torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", world_size=2,
                                         rank=rank)
    torch.manual_seed(23)
    model = nn.parallel.DistributedDataParallel(nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(4):
        optimizer.zero_grad()
        loss = model(torch.full((8, 4), float(rank + step))).square().mean()
        loss.backward()
        optimizer.step()
    if rank == 0:
        state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
        print(loss.item(), hashlib.sha256(state).hexdigest(), torch.rand(1).item())
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    child = os.fork()
    if child == 0:
        train(1, number)
        sys.exit(0)
    train(0, number)
    os.waitpid(child, 0)
