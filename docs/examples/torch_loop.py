"""A plain torch loop with a scheduler and a weighted sampler, to try under two versions:

    harness try --baseline torch==2.3.1 --observed torch==2.13.0 -- python torch_loop.py
"""

import torch
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(0)
inputs = torch.randn(512, 16)
labels = (inputs[:, 0] * inputs[:, 1] > 1).long()
weights = torch.where(labels == 1, 4.0, 1.0)
loader = DataLoader(TensorDataset(inputs, labels), batch_size=32,
                    sampler=WeightedRandomSampler(weights, len(labels)))
model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Dropout(0.1),
                            torch.nn.Linear(32, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=3 * len(loader))
for epoch in range(3):
    model.train()
    for batch, targets in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(batch), targets).backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(inputs).argmax(1) == labels).float().mean()
    print(f"epoch {epoch} accuracy {accuracy:.4f}")
