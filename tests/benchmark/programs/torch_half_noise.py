"""Train a denoiser whose noise is drawn in bfloat16."""
import torch
from torch import nn

torch.manual_seed(18)
clean = torch.randn(64, 12)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 12))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(10):
    noise = torch.randn(64, 12, dtype=torch.bfloat16).float()
    optimizer.zero_grad()
    loss = ((model(clean + 0.5 * noise) - clean) ** 2).mean()
    loss.backward()
    optimizer.step()
    print("step %d loss %.6f" % (step, loss.item()))
