"""A test of a training: the same loss, gradients and updates as its baseline, step by step."""

import torch


def train():
    """Train a small classifier; whatever it draws is seeded."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(20, 32), torch.nn.Tanh(), torch.nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    inputs = torch.randn(256, 20)
    targets = (inputs[:, 0] * inputs[:, 1] > 0).long()
    for step in range(40):
        rows = slice(32 * (step % 8), 32 * (step % 8 + 1))
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs[rows]), targets[rows])
        loss.backward()
        optimizer.step()


def test_training(training):
    """The fixture comes with the package."""
    training.check(train)
