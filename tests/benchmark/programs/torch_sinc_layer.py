"""Learn the cutoff of band-pass filters made of sinc functions."""
import torch
from torch import nn


class SincConv(nn.Module):
    """A convolution whose kernels are windowed sinc functions."""

    def __init__(self, filters, taps):
        super().__init__()
        self.cutoff = nn.Parameter(torch.linspace(0.1, 0.4, filters))
        self.register_buffer("time", torch.arange(taps, dtype=torch.float32) - taps // 2)

    def forward(self, x):
        """Returns the filtered signal."""
        kernel = torch.sinc(2 * self.cutoff[:, None] * self.time) * 2 * self.cutoff[:, None]
        return nn.functional.conv1d(x, kernel[:, None])


torch.manual_seed(11)
x = torch.randn(16, 1, 32)
y = x[:, 0, 8:24].mean(dim=1, keepdim=True)
model = nn.Sequential(SincConv(4, 9), nn.Flatten(), nn.Linear(96, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(8):
    optimizer.zero_grad()
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    optimizer.step()
    print(step, "%.6f" % loss.item())
