"""A small model built directly in bfloat16."""
import torch
from torch import nn

torch.manual_seed(21)
x = torch.randn(96, 20)
y = x[:, :4].argmax(1)
torch.set_default_dtype(torch.bfloat16)
model = nn.Sequential(nn.Linear(20, 48), nn.LayerNorm(48), nn.SiLU(), nn.Linear(48, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = x.bfloat16()
for epoch in range(4):
    for i in range(0, 96, 24):
        loss = nn.functional.cross_entropy(model(x[i : i + 24]).float(), y[i : i + 24])
        model.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == y).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {accuracy.item():.4f}")
