"""Look at the predictions without gradients, then train, under one autocast (pytorch#142234)."""
import torch
from torch import nn

torch.manual_seed(16)
model = nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 2))
x, y = torch.randn(64, 8), torch.arange(64) % 2
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(8):
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with torch.no_grad():
            confidence = model(x).softmax(dim=-1).max(dim=-1).values
        losses = nn.functional.cross_entropy(model(x), y, reduction="none")
        loss = (losses * (2 - confidence)).mean()
    loss.backward()
    optimizer.step()
    print("step %d loss %.4f" % (step, loss.item()))
