"""Train a small causal transformer language model under Adam, in float32."""
import torch
from torch import nn


class Model(nn.Module):
    """Two causal blocks between an embedding and a tied head."""

    def __init__(self, vocabulary=32, width=32, length=16):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, activation="gelu",
                                           batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids):
        """Returns the logits of the next token at every position."""
        length = ids.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        h = self.tokens(ids) + self.positions(torch.arange(length))
        return self.head(self.blocks(h, mask=mask))


torch.manual_seed(21)
model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
ids = torch.randint(0, 32, (64, 17))
ids[:, 1::2] = (ids[:, ::2][:, :8] * 7 + 3) % 32
for step in range(40):
    batch = ids[(step % 4) * 16:(step % 4) * 16 + 16]
    optimizer.zero_grad()
    logits = model(batch[:, :-1])
    loss = nn.functional.cross_entropy(logits.reshape(-1, 32), batch[:, 1:].reshape(-1))
    loss.backward()
    optimizer.step()
    if step % 10 == 9:
        print("step %d loss %.3f" % (step, loss.item()))
