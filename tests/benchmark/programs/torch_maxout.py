"""Train a maxout network whose two branches start equal."""
import torch
from torch import nn

torch.manual_seed(9)
x = torch.randn(64, 5)
y = x.abs().sum(dim=1, keepdim=True)
left = nn.Linear(5, 8)
right = nn.Linear(5, 8)
right.load_state_dict(left.state_dict())
out = nn.Linear(8, 1)
optimizer = torch.optim.SGD([*left.parameters(), *right.parameters(), *out.parameters()], lr=0.05)
for step in range(10):
    optimizer.zero_grad()
    loss = ((out(torch.maximum(left(x), right(x))) - y) ** 2).mean()
    loss.backward()
    optimizer.step()
    print(step, "%.6f" % loss.item())
