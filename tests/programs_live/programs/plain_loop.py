"""A classifier in a plain loop: SGD with momentum and weight decay."""

import hashlib

import torch

torch.manual_seed(0)
inputs, labels = torch.randn(128, 12), torch.randint(0, 4, (128,))
model = torch.nn.Sequential(torch.nn.Linear(12, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
criterion = torch.nn.CrossEntropyLoss()
for epoch in range(5):
    for batch in torch.randperm(128).split(32):
        optimizer.zero_grad()
        loss = criterion(model(inputs[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
