"""Train a small convolutional network with batch normalisation and SGD with momentum."""
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR

torch.manual_seed(24)
images = torch.randn(64, 2, 8, 8)
labels = (images[:, 0].mean(dim=(1, 2)) > images[:, 1].mean(dim=(1, 2))).long()
model = nn.Sequential(
    nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
scheduler = StepLR(optimizer, 2, gamma=0.5)
for epoch in range(5):
    model.train()
    for i in range(0, 64, 16):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images[i:i + 16]), labels[i:i + 16])
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        print("epoch %d loss %.3f evaluation %.3f" % (
            epoch, loss.item(), nn.functional.cross_entropy(model(images), labels).item()))
