"""Evaluate a Transformer encoder on padded sequences, pooling over all positions."""
import torch
from torch import nn

torch.manual_seed(19)
x = torch.randn(24, 7, 8)
padding = torch.arange(7)[None] >= (torch.arange(24) % 5 + 3)[:, None]
y = x[:, 0].sum(dim=1, keepdim=True)
layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
encoder, head = nn.TransformerEncoder(layer, 2), nn.Linear(8, 1)
optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=0.003)


def predict():
    """Returns the prediction for every sequence."""
    return head(encoder(x, src_key_padding_mask=padding).abs().mean(dim=1))


for epoch in range(5):
    encoder.train()
    optimizer.zero_grad()
    loss = ((predict() - y) ** 2).mean()
    loss.backward()
    optimizer.step()
    encoder.eval()
    with torch.no_grad():
        print(epoch, "%.5f" % loss.item(), "%.5f" % ((predict() - y) ** 2).mean().item())
