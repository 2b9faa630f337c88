"""Faults in torch's optimizers, clipping and schedules; see ``faults``.

Inside half: standard library and torch only. An optimizer's class is patched, so that
those constructed under the fault have it.
"""

from __future__ import annotations

from typing import Any, Callable, ContextManager, Iterator
from unittest.mock import patch

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import StepLR


def clipvalue_ignored() -> ContextManager[Any]:
    """Leave gradients as they are."""
    return patch.object(nn.utils, "clip_grad_value_", lambda *_, **__: None)


def adam_epsilon_inside() -> ContextManager[Any]:
    """Divide by sqrt(v + epsilon), not by sqrt(v) + epsilon."""
    return patch.object(Adam, "step", _adam_step(inside=True))


def adam_bias_correction_late() -> ContextManager[Any]:
    """Correct the bias as one step before, at the second step as at the first."""
    return patch.object(Adam, "step", _adam_step(late=1))


def momentum_first_step() -> ContextManager[Any]:
    """Begin momentum with (1 - momentum) times the gradient, not with the gradient."""
    def dampen(optimizer: Any, group: dict[str, Any], parameter: Any) -> None:
        if group["momentum"] and "momentum_buffer" not in optimizer.state[parameter]:
            parameter.grad.mul_(1 - group["momentum"])

    return _before_step(SGD, dampen)


def maximize_decay_sign() -> ContextManager[Any]:
    """Turn the sign of the gradient after weight decay has been added, not before."""
    def decay(optimizer: Any, group: dict[str, Any], parameter: Any) -> None:
        if group["maximize"]:  # torch: -gradient + decay; so it becomes -(gradient + decay)
            parameter.grad.add_(parameter, alpha=2 * group["weight_decay"])

    return _before_step(SGD, decay)


def adamw_coupled() -> ContextManager[Any]:
    """Let AdamW add its weight decay to the gradient, as Adam does."""
    original = AdamW.step

    @torch.no_grad()
    def step(self: Any, closure: Any = None) -> Any:
        decays = [group["weight_decay"] for group in self.param_groups]
        for group, parameter in _trained(self):
            parameter.grad.add_(parameter, alpha=group["weight_decay"])
        _decay_by(self, [0.0 for _ in decays])
        result = original(self, closure)
        _decay_by(self, decays)
        return result

    return patch.object(AdamW, "step", step)


def frozen_parameter() -> ContextManager[Any]:
    """Pass over the last parameter."""
    original = SGD.step

    def step(self: Any, closure: Any = None) -> Any:
        last = self.param_groups[-1]["params"][-1]
        gradient, last.grad = last.grad, None
        result = original(self, closure)
        last.grad = gradient
        return result

    return patch.object(SGD, "step", step)


def schedule_late() -> ContextManager[Any]:
    """Change the learning rate one step after it is due."""
    def get_lr(self: Any) -> list[float]:
        late = self.last_epoch - 1
        factor = self.gamma if late > 0 and late % self.step_size == 0 else 1
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    return patch.object(StepLR, "get_lr", get_lr)


# ------------------------------------------------------------------ in place of a step
def _before_step(optimizer: Any, change: Callable[[Any, dict[str, Any], Any], None]) -> (
        ContextManager[Any]):
    """Patch an optimizer to call ``change(self, group, parameter)`` before every step."""
    original = optimizer.step

    @torch.no_grad()
    def step(self: Any, closure: Any = None) -> Any:
        for group, parameter in _trained(self):
            change(self, group, parameter)
        return original(self, closure)

    return patch.object(optimizer, "step", step)


def _adam_step(inside: bool = False, late: int = 0) -> Callable[..., None]:
    """Return a step of Adam, with epsilon inside the root or bias corrections too late."""
    @torch.no_grad()
    def step(self: Any, closure: Any = None) -> None:
        for group, parameter in _trained(self):
            beta_1, beta_2 = group["betas"]
            state, gradient, epsilon = self.state[parameter], parameter.grad, group["eps"]
            if not state:
                state.update(step=0, m=torch.zeros_like(parameter), v=torch.zeros_like(parameter))
            state["step"] += 1
            state["m"].mul_(beta_1).add_(gradient, alpha=1 - beta_1)
            state["v"].mul_(beta_2).addcmul_(gradient, gradient, value=1 - beta_2)
            corrected = max(1, state["step"] - late)
            m = state["m"] / (1 - beta_1 ** corrected)
            v = state["v"] / (1 - beta_2 ** corrected)
            root = (v + epsilon).sqrt() if inside else v.sqrt() + epsilon
            parameter.sub_(group["lr"] * m / root)

    step.hooked = True  # or torch would wrap it, on a subclass such as AdamW for good
    return step


def _trained(optimizer: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield every parameter that has a gradient, with its group."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                yield group, parameter


def _decay_by(optimizer: Any, decays: list[float]) -> None:
    for group, decay in zip(optimizer.param_groups, decays):
        group["weight_decay"] = decay


FAULTS = (clipvalue_ignored, adam_epsilon_inside, adam_bias_correction_late, momentum_first_step,
          maximize_decay_sign, adamw_coupled, frozen_parameter, schedule_late)
