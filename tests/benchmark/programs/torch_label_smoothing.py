"""Segment with label smoothing, class weights and ignored pixels."""
import torch
from torch import nn

torch.manual_seed(4)
images = torch.randn(8, 3, 8, 8)
labels = torch.randint(0, 4, (8, 8, 8))
labels[:, :, :2] = 0
model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1))
criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 2.0, 4.0]), ignore_index=0,
                                label_smoothing=0.1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(10):
    optimizer.zero_grad()
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.step()
    print(step, "%.6f" % loss.item())
