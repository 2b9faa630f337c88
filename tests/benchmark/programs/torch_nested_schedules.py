"""Warm up, then two phases of decay: a sequence of schedules inside a sequence."""
import torch
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, ExponentialLR, LinearLR, SequentialLR

torch.manual_seed(3)
model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
warm = SequentialLR(
    optimizer,
    [LinearLR(optimizer, 0.1, total_iters=4), ConstantLR(optimizer, 0.5, total_iters=4)],
    milestones=[4],
)
scheduler = SequentialLR(optimizer, [warm, ExponentialLR(optimizer, 0.9)], milestones=[8])
x = torch.randn(256, 10)
y = (x[:, :1] * x[:, 1:2]).sin()
for step in range(24):
    i = step % 4 * 64
    loss = nn.functional.mse_loss(model(x[i : i + 64]), y[i : i + 64])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(step, f"lr {optimizer.param_groups[0]['lr']:.5f} loss {loss.item():.5f}")
