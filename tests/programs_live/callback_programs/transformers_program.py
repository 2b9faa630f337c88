"""A small trainer with the callback."""

import hashlib
import tempfile

import torch
from transformers import Trainer, TrainingArguments

from harness.callbacks.transformers import RecordingCallback


class Model(torch.nn.Module):
    """One layer that computes its own loss."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x, labels):
        """Return the loss."""
        found = self.layer(x)
        return {"loss": (found - labels).square().mean(), "logits": found}


torch.manual_seed(1)
data = [{"x": torch.randn(4), "labels": torch.ones(1)} for _ in range(32)]
model = Model()
with tempfile.TemporaryDirectory() as folder:
    trainer = Trainer(model=model, train_dataset=data, eval_dataset=data[:8],
                      callbacks=[RecordingCallback()], args=TrainingArguments(
                          output_dir=folder, num_train_epochs=2, report_to="none", use_cpu=True,
                          logging_steps=2, eval_strategy="epoch", save_strategy="no",
                          per_device_train_batch_size=8, disable_tqdm=True))
    trainer.train()
print(hashlib.sha256(model.layer.weight.detach().numpy().tobytes()).hexdigest())
