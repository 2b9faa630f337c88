"""Draw a rare class more often with a weighted sampler without replacement."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(7)
x = torch.randn(120, 4)
y = (x.sum(dim=1) > 2.5).float()
weights = torch.where(y > 0, torch.tensor(5.0), torch.tensor(1.0))
sampler = WeightedRandomSampler(weights.tolist(), 60, replacement=False)
loader = DataLoader(TensorDataset(x, y), batch_size=12, sampler=sampler)
model = nn.Linear(4, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for epoch in range(3):
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(inputs)[:, 0], labels)
        loss.backward()
        optimizer.step()
    print("epoch %d loss %.6f" % (epoch, loss.item()))
