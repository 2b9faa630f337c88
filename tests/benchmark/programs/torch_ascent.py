"""Maximise a regularised log likelihood by gradient ascent."""
import torch
from torch import nn

torch.manual_seed(1)
x = torch.randn(200, 6)
w = torch.tensor([1.0, -2.0, 0.5, 0.0, 1.5, -0.3])
y = torch.poisson(torch.exp(0.3 * (x @ w)))
model = nn.Linear(6, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9,
                            weight_decay=0.1, maximize=True)
for step in range(25):
    rate = model(x).squeeze(1)
    likelihood = (y * rate - rate.exp()).mean()
    optimizer.zero_grad()
    likelihood.backward()
    optimizer.step()
    if step % 5 == 4:
        print(f"{step:3d} log likelihood {likelihood.item():.5f}")
print("weights", model.weight.data.numpy().round(4).tolist())
