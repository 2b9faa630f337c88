"""Autocast to bfloat16 on the CPU, and weights in bfloat16."""  # needs torch 2.0

import hashlib

import torch
from torch import nn

torch.manual_seed(6)
inputs, targets = torch.randn(64, 16), torch.randn(64, 4)
model = nn.Sequential(nn.Linear(16, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 4))
half = nn.Linear(16, 4).bfloat16()
optimizer = torch.optim.AdamW([*model.parameters(), *half.parameters()], lr=1e-2)
for step in range(12):
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = model(inputs) + half(inputs.bfloat16())
        loss = nn.functional.mse_loss(outputs.float(), targets)
    loss.backward()
    optimizer.step()
    print(step, loss.item(), outputs.dtype)
state = b"".join(value.float().numpy().tobytes() for module in (model, half)
                 for value in module.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
