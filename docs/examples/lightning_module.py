"""A Lightning module, to try under two versions:

    harness try --baseline "lightning==2.4.0 torch==2.4.1" \\
        --observed "lightning==2.6.1 torch==2.13.0" -- python lightning_module.py
"""

import lightning
import torch

from harness.callbacks.lightning import RecordingCallback


class Classifier(lightning.LightningModule):
    """A small classifier with batch normalization and a schedule."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(10, 32), torch.nn.BatchNorm1d(32), torch.nn.ReLU(),
            torch.nn.Linear(32, 3))

    def _compute_loss(self, batch):
        inputs, labels = batch
        return torch.nn.functional.cross_entropy(self.layers(inputs), labels)

    def training_step(self, batch, number):
        """Return the loss of a batch."""
        loss = self._compute_loss(batch)
        self.log("loss", loss)
        return loss

    def validation_step(self, batch, number):
        """Log the loss of a batch."""
        self.log("validation_loss", self._compute_loss(batch))

    def configure_optimizers(self):
        """Return an optimizer and its schedule."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 5)]


lightning.seed_everything(0, verbose=False)
inputs = torch.randn(256, 10)
data = torch.utils.data.TensorDataset(inputs, (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0))
first, second = torch.utils.data.random_split(data, [192, 64])
model = Classifier()
trainer = lightning.Trainer(
    max_epochs=5, accelerator="cpu", logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False, callbacks=[RecordingCallback()])
trainer.fit(model, torch.utils.data.DataLoader(first, 32, shuffle=True),
            torch.utils.data.DataLoader(second, 32))
print(f"loss {float(trainer.callback_metrics['validation_loss']):.6f}")
