"""Classify short token sequences with a stack of encoder layers that use GELU."""
import torch
from torch import nn

torch.manual_seed(0)


class Classifier(nn.Module):
    """Two layers of an encoder, and the mean over positions."""

    def __init__(self, words=50, width=16, classes=3):
        super().__init__()
        self.embed = nn.Embedding(words, width)
        self.position = nn.Parameter(torch.randn(12, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 2, 32, dropout=0.0, activation=nn.GELU(),
                                           batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.head = nn.Linear(width, classes)

    def forward(self, tokens):
        x = self.embed(tokens) + self.position
        return self.head(self.encoder(x).mean(1))


tokens = torch.randint(0, 50, (96, 12))
labels = (tokens.sum(1) % 3).long()
model = Classifier()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for step in range(18):
    pick = torch.arange(step * 16, step * 16 + 16) % 96
    loss = criterion(model(tokens[pick]), labels[pick])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 6 == 5:
        print("step", step, "loss", loss.item())
