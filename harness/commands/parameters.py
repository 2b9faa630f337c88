"""What parameters of commands have in common: where a command works, and what a number may be.

Outside half.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, validators

if TYPE_CHECKING:
    from harness.records.project import Project


@dataclass(frozen=True)
class Place:
    """Where a command works.

    Args:
        root: the checkout.
    """

    root: Path

    def project(self) -> Project:
        """Return the checkout's cases, records and settings."""
        from harness.records.project import Project  # NumPy, which a night may do without

        return Project(self.root)


Here = Annotated[Place, Parameter(parse=False)]
"""The place of a command: handed in, and no option."""
Format = Literal["csv", "json", "parquet"]
"""How a table is printed."""
AtLeastOne = Annotated[int, Parameter(validator=validators.Number(gte=1))]
"""A count that is asked for."""
