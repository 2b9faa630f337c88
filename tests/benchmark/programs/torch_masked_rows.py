"""Attend with a mask that leaves some queries without any key."""
import torch
from torch import nn


class Attention(nn.Module):
    """One head of masked attention."""

    def __init__(self, width):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x, mask):
        """Returns the attended sequence."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return self.out(nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask))


torch.manual_seed(12)
x = torch.randn(8, 6, 8)
valid = torch.arange(6)[None] < torch.tensor([6, 6, 5, 4, 6, 3, 6, 6])[:, None]
mask = valid[:, None, :] & valid[:, :, None]
model = Attention(8)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(6):
    optimizer.zero_grad()
    out = model(x, mask)
    loss = ((out - x) ** 2)[valid].mean()
    loss.backward()
    optimizer.step()
    print(step, "%.6f" % loss.item())
