"""A generator and a discriminator on a ring of points."""
import torch
from torch import nn

torch.manual_seed(10)
generator = nn.Sequential(nn.Linear(4, 32), nn.LeakyReLU(0.2), nn.Linear(32, 2))
discriminator = nn.Sequential(
    nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.utils.spectral_norm(nn.Linear(32, 32)),
    nn.LeakyReLU(0.2), nn.Linear(32, 1),
)
g_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=4e-4, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()
for step in range(15):
    angle = torch.rand(32) * 6.2832
    real = torch.stack([angle.cos(), angle.sin()], 1)
    fake = generator(torch.randn(32, 4))
    d_loss = criterion(discriminator(real), torch.ones(32, 1))
    d_loss = d_loss + criterion(discriminator(fake.detach()), torch.zeros(32, 1))
    d_optimizer.zero_grad()
    d_loss.backward()
    d_optimizer.step()
    g_loss = criterion(discriminator(fake), torch.ones(32, 1))
    g_optimizer.zero_grad()
    g_loss.backward()
    g_optimizer.step()
    print(f"[{step}] D {d_loss.item():.5f} G {g_loss.item():.5f}")
