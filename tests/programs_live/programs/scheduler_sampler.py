"""A regression with a weighted sampler, warm restarts and one learning rate for each group."""

import hashlib

import torch
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(1)
data = TensorDataset(torch.randn(96, 6), torch.randn(96, 1))
sampler = WeightedRandomSampler(torch.rand(96).tolist(), num_samples=96)
model = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
optimizer = torch.optim.Adam([{"params": model[0].parameters()},
                              {"params": model[2].parameters(), "lr": 3e-3}], lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=4)
for epoch in range(4):
    for inputs, targets in DataLoader(data, batch_size=16, sampler=sampler):
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.smooth_l1_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr())
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
