"""A recurrent net on packed sequences, with a step of its own for hidden states."""

import hashlib

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Tagger(nn.Module):
    """Tags the tokens of a sequence."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 8, num_layers=2, dropout=0.2, bidirectional=True, batch_first=True)
        self.cell = nn.GRUCell(16, 6)
        self.out = nn.Linear(6, 3)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        x, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        hidden = x.new_zeros(len(x), 6)
        for step in range(x.shape[1]):
            hidden = self.cell(x[:, step], hidden)
        return self.out(hidden)


torch.manual_seed(5)
inputs, labels = torch.randn(24, 7, 5), torch.randint(0, 3, (24,))
lengths = torch.randint(2, 8, (24,))
model = Tagger()
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.05)
for step in range(10):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(inputs, lengths), labels)
    loss.backward()
    nn.utils.clip_grad_value_(model.parameters(), 0.1)
    optimizer.step()
    print(step, loss.item())
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
