"""An exponential mean of the weights by hand, and stochastic weight averaging."""

import copy
import hashlib

import torch
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn

torch.manual_seed(12)
inputs, targets = torch.randn(64, 6), torch.randn(64, 1)
model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
mean, average = copy.deepcopy(model), AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = SWALR(optimizer, swa_lr=0.01, anneal_epochs=3)
for epoch in range(8):
    for batch in torch.randperm(64).split(16):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs[batch]), targets[batch])
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(mean.parameters(), model.parameters()):
                slow.mul_(0.9).add_(fast, alpha=0.1)
    average.update_parameters(model)
    scheduler.step()
    mean.eval()
    with torch.no_grad():
        print(epoch, loss.item(), nn.functional.mse_loss(mean(inputs), targets).item())
update_bn([inputs[:32], inputs[32:]], average)
state = b"".join(value.numpy().tobytes() for module in (model, mean, average)
                 for value in module.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
