"""Train two heads in turns with one SGD with momentum and weight decay."""
import torch
from torch import nn

torch.manual_seed(14)
body, heads = nn.Linear(6, 8), nn.ModuleList([nn.Linear(8, 1), nn.Linear(8, 1)])
optimizer = torch.optim.SGD([*body.parameters(), *heads.parameters()], lr=0.05, momentum=0.9,
                            weight_decay=0.01)
for step in range(12):
    x = torch.randn(32, 6)
    target = x.sum(dim=1, keepdim=True) if step % 2 else x[:, :1] * 3
    optimizer.zero_grad()
    loss = ((heads[step % 2](torch.tanh(body(x))) - target) ** 2).mean()
    loss.backward()
    optimizer.step()
    print("step %d loss %.6f" % (step, loss.item()))
