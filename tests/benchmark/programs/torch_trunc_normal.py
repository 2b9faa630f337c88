"""Initialise a patch classifier as vision transformers do, and train it."""
import torch
from torch import nn


class Net(nn.Module):
    """A token mixer with a class token."""

    def __init__(self, width=16):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.embed = nn.Linear(12, width)
        self.block = nn.TransformerEncoderLayer(width, 4, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, 3)
        nn.init.trunc_normal_(self.token, std=0.02)
        for module in (self.embed, self.head):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)

    def forward(self, patches):
        """Returns the logits of a batch of patches."""
        h = torch.cat([self.token.expand(len(patches), -1, -1), self.embed(patches)], dim=1)
        return self.head(self.block(h)[:, 0])


torch.manual_seed(5)
model = Net()
patches, labels = torch.randn(48, 6, 12), torch.arange(48) % 3
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(10):
    loss = nn.functional.cross_entropy(model(patches), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("step %d loss %.6f" % (step, loss.item()))
