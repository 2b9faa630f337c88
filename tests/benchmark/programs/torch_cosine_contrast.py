"""Pull pairs together by their cosine similarity, from a head of zeros."""
import torch
from torch import nn

torch.manual_seed(8)
a = torch.randn(32, 6)
b = a + 0.1 * torch.randn(32, 6)
encoder = nn.Linear(6, 4, bias=False)
head = nn.Linear(6, 4, bias=False)
nn.init.constant_(head.weight, 1e-9)
optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=1e-9)
for step in range(8):
    optimizer.zero_grad()
    loss = 1 - nn.functional.cosine_similarity(head(a), encoder(b), dim=1).mean()
    loss.backward()
    optimizer.step()
    print(step, "%.6f" % loss.item())
