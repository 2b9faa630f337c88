"""A transformer encoder with padding, trained, and evaluated on its fast path where it has one."""

import hashlib

import torch
from torch import nn


class Classifier(nn.Module):
    """Classifies sequences of tokens."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 16, padding_idx=0)
        layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.1, **FIRST)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(16, 3)

    def forward(self, tokens):
        padding = tokens == 0
        x = self.embedding(tokens)
        if FIRST:
            x = self.encoder(x, src_key_padding_mask=padding)
        else:
            x = self.encoder(x.transpose(0, 1), src_key_padding_mask=padding).transpose(0, 1)
        keep = (~padding).unsqueeze(-1)
        return self.head((x * keep).sum(1) / keep.sum(1))


old = torch.__version__.split(".")[:2] == ["1", "8"]
FIRST = {} if old else {"batch_first": True}
torch.manual_seed(4)
tokens, labels = torch.randint(1, 50, (64, 10)), torch.randint(0, 3, (64,))
for row in range(64):
    tokens[row, 4 + row % 7:] = 0
model = Classifier()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(4):
    model.train()
    for batch in torch.randperm(64).split(16):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(tokens[batch]), labels[batch])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        outputs = model(tokens)
    print(epoch, loss.item(), outputs.double().sum().item())
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
