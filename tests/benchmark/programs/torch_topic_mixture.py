"""Fit a mixture of topics under a cross entropy between sparse distributions."""
import torch
from torch import nn

torch.manual_seed(5)
topics, words = 4, 12
counts = torch.poisson(torch.rand(40, words) * 2)
target = counts / counts.sum(1, keepdim=True).clamp(min=1)


class Mixture(nn.Module):
    """Shares of topics, and the words of each."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(words, topics)
        self.words = nn.Parameter(torch.rand(topics, words))

    def forward(self, x):
        share = torch.relu(self.gate(x))
        share = share / (share.sum(1, keepdim=True) + 1e-3)
        return share, share @ torch.softmax(self.words, 1)


model = Mixture()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for step in range(20):
    share, guess = model(target)
    fit = -torch.xlogy(target, guess + 1e-6).sum(1).mean()
    entropy = -torch.xlogy(share, share).sum(1).mean()
    loss = fit - 0.05 * entropy
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 5 == 0:
        print("step", step, "fit", fit.item(), "entropy", entropy.item())
