"""Two models and two optimizers: a generator and a critic with clipped weights."""

import hashlib

import torch
from torch import nn

torch.manual_seed(8)
real = torch.randn(64, 2) * 0.5 + 1
generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
critic = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
first = torch.optim.RMSprop(generator.parameters(), lr=1e-3)
second = torch.optim.RMSprop(critic.parameters(), lr=1e-3)
for step in range(10):
    for _ in range(2):
        with torch.no_grad():
            fake = generator(torch.randn(64, 4))
        second.zero_grad()
        loss = critic(fake).mean() - critic(real).mean()
        loss.backward()
        second.step()
        for parameter in critic.parameters():
            parameter.data.clamp_(-0.1, 0.1)
    first.zero_grad()
    cost = -critic(generator(torch.randn(64, 4))).mean()
    cost.backward()
    first.step()
    print(step, loss.item(), cost.item())
state = b"".join(value.numpy().tobytes() for model in (generator, critic)
                 for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
