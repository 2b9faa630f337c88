"""Train an LSTM with Adam, clipped gradients and a OneCycle schedule."""
import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

torch.manual_seed(25)
x = torch.randn(48, 9, 3)
y = x.cumsum(dim=1)[:, :, :1]
lstm, head = nn.LSTM(3, 12, num_layers=2, batch_first=True), nn.Linear(12, 1)
parameters = [*lstm.parameters(), *head.parameters()]
optimizer = torch.optim.Adam(parameters, lr=1e-3)
scheduler = OneCycleLR(optimizer, max_lr=0.02, total_steps=25)
for step in range(24):
    batch = slice(16 * (step % 3), 16 * (step % 3) + 16)
    optimizer.zero_grad()
    loss = nn.functional.smooth_l1_loss(head(lstm(x[batch])[0]), y[batch])
    loss.backward()
    nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    scheduler.step()
    if step % 6 == 5:
        print("step %d loss %.3f" % (step, loss.item()))
