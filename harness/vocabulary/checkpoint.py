"""The checkpoint of a probe: a step of the reference trajectory, or a stress that it never meets.

Inside half: standard library only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_NAME = re.compile(r"step_(?P<step>[0-9]{1,9})\Z|scaled_(?P<scale>[0-9]{1,9})\Z|"
                   r"(?!step_)[a-z][a-z0-9_]{0,60}\Z")


@dataclass(frozen=True)
class Checkpoint:
    """Where a probe takes its step.

    Args:
        step: of the reference trajectory, from 0; None under stress.
        scale: factor on the initial weights; None where there is none.
    """

    step: int | None = None
    scale: int | None = None

    @property
    def is_stress(self) -> bool:
        """Whether it is one that training does not come to."""
        return self.step is None


def is_name(text: str) -> bool:
    """Return whether a text is a checkpoint's name."""
    return bool(_NAME.match(text))


@lru_cache(maxsize=None)
def parse(name: str) -> Checkpoint:
    """Return the checkpoint of a name: ``step_10``, ``scaled_30``, or a stress of another kind."""
    found = _NAME.match(name)
    step, scale = (found["step"], found["scale"]) if found else (None, None)
    return Checkpoint(None if step is None else int(step), None if scale is None else int(scale))


def at_step(step: int) -> str:
    """Return the name of the checkpoint at a step."""
    return f"step_{step}"


def scaled(scale: int) -> str:
    """Return the name of the checkpoint at scaled initial weights."""
    return f"scaled_{scale}"
