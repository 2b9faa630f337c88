"""The project's pages: the commands that they show, and where they lead."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(page: Path) -> list[str]:
    """Return the commands of a page's consoles, in order; several on a line apart."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    lines = [line[2:] for block in blocks for line in block.replace("\\\n", " ").splitlines()
             if line.startswith("$ ")]
    return [part.strip() for line in lines for part in line.split("&&")]


def links(page: Path) -> list[str]:
    """Return the targets of a page's links and pictures, other than web addresses."""
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [target for target in found if not re.match(r"[a-z]+:", target)]
