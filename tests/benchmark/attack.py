"""Attacks on what the harness keeps and says: nothing lost, nothing left, no wrong exit code."""

from __future__ import annotations

import argparse

from rich.console import Console

from harness.project import Project
from tests.benchmark import attack_kills

PARTS = (attack_kills,)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of all parts."""
    for part in PARTS:
        part.add_arguments(parser)


def main(project: Project, options: argparse.Namespace, console: Console) -> bool:
    """Run all parts; return whether every one holds."""
    return all([part.main(project, options, console) for part in PARTS])
