"""Train a critic with spectral normalisation."""
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

torch.manual_seed(17)
model = nn.Sequential(spectral_norm(nn.Linear(6, 12)), nn.ReLU(), spectral_norm(nn.Linear(12, 1)))
real, fake = torch.randn(64, 6) + 1, torch.randn(64, 6)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(10):
    optimizer.zero_grad()
    loss = torch.relu(1 - model(real)).mean() + torch.relu(1 + model(fake)).mean()
    loss.backward()
    optimizer.step()
    print("step %d loss %.6f" % (step, loss.item()))
