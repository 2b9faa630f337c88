"""Attacks on what the harness keeps and says: nothing lost, left, believed or obeyed."""

from __future__ import annotations

import argparse

from rich.console import Console

from harness.records.project import Project
from tests.benchmark import attack_kills, attack_records

PARTS = (attack_kills, attack_records)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of all parts."""
    for part in PARTS:
        part.add_arguments(parser)
    parser.add_argument("--seed", type=int, default=13, help="of all of it (default 13)")


def main(project: Project, options: argparse.Namespace, console: Console) -> bool:
    """Run all parts; return whether every one holds."""
    return all([part.main(project, options, console) for part in PARTS])
