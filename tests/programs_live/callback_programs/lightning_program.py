"""A small module with the callback."""

import hashlib

import lightning
import torch

from harness.callbacks.lightning import RecordingCallback


class Module(lightning.LightningModule):
    """One layer."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, number):
        """Return the loss of a batch."""
        loss = self.layer(batch[0]).square().mean()
        self.log("own_loss", loss)
        return loss

    def validation_step(self, batch, number):
        """Log the loss of a batch."""
        self.log("validation_loss", self.layer(batch[0]).square().mean())

    def configure_optimizers(self):
        """Return an optimizer."""
        return torch.optim.SGD(self.parameters(), lr=0.1)


lightning.seed_everything(1, verbose=False)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(32, 4)), 8)
module = Module()
lightning.Trainer(
    max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False,
    callbacks=[RecordingCallback()]).fit(module, data, data)
print(hashlib.sha256(module.layer.weight.detach().numpy().tobytes()).hexdigest())
