"""The small picture: cases by versions, where HTML cannot go (an issue, a chat, a README).

Outside half. Drawn from the report's facts. A cell is all variants of a case in one version,
against its own baseline and the version before: the worst verdict's symbol, readable without
colour, and the number of variants that have it. What differs from the reference counts where
no waiver explains it.
"""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import Any

from harness.compare.checks.finding import Verdict
from harness.errors import UsageError
from harness.escaping import visible
from harness.files import write_bytes
from harness.records.environment import REFERENCE
from harness.report.page.render import SYMBOLS

SUFFIXES = (".png", ".svg")
COLOURS = {"identical": "#cfe8d6", "equivalent": "#e3f3e8", "drift": "#f5cf75",
           "improvement": "#8ec9ee", "regression": "#ef8f8a", "missing": "#d9a6d6",
           "error": "#d9a6d6", "waived": "#f3e6c4", "none": "#ffffff"}
"""Of cells; their symbols are black on all of them."""
CELL = 0.34
"""Width and height of a cell, in inches."""
LONGEST = 28
"""Characters of a name that are shown."""
LINE, LETTER = 0.19, 0.08
"""Height of a line of the headline, and of a letter of a version, which stands upright; inches."""
Cell = tuple[str, str]
"""Colour's name, text."""


def write(facts: dict[str, Any], path: Path) -> None:
    """Draw the picture.

    Args:
        facts: the report's.
        path: ends in ``.png`` or ``.svg``.

    Raises:
        UsageError: it ends in something else.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError("a picture is PNG or SVG", str(path), " ".join(SUFFIXES))
    import matplotlib  # half a second that no other command needs
    from matplotlib.figure import Figure

    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "harness",
                                "font.family": "sans-serif", "text.parse_math": False})
    cells = _cells(facts)
    shown = {environment for _, environment in cells}
    columns = [e for e in facts["environments"] if e["name"] in shown]
    rows = [case["name"] for case in facts["cases"]]
    width = max(6.0, 2.4 + CELL * len(columns))
    answer = textwrap.fill(visible(facts["answer"])[:400], int(width * 12))
    upright = LETTER * max((len(_short(e["version"])) for e in columns), default=0)
    above = 0.12 + LINE * (answer.count("\n") + 1) + 0.35 + upright + 0.35
    height = above + CELL * len(rows) + 0.1
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes((2.2 / width, 0.1 / height, CELL * len(columns) / width,
                            CELL * len(rows) / height))
    _draw(axes, rows, columns, cells, upright / CELL)
    _headline(figure, facts, answer, width, height)
    drawn = io.BytesIO()
    figure.savefig(drawn, format=path.suffix[1:], dpi=144,
                   metadata={"Date": None} if path.suffix == ".svg" else None)
    write_bytes(path, drawn.getvalue())


def _cells(facts: dict[str, Any]) -> dict[tuple[str, str], Cell]:
    """Return colour and text by case and environment: the worst that no waiver covers."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for c in facts["comparisons"]:
        groups.setdefault((c["case"], c["observed"]), []).append(c)
    return {key: _cell(_telling(group)) for key, group in groups.items()}


def _telling(group: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what differs from the reference in every version, and is explained."""
    changes = [c for c in group if c["against"] != REFERENCE
               or (_severity(c["verdict"]) > Verdict.EQUIVALENT and not c["waived"])]
    return changes or group


def _cell(group: list[dict[str, Any]]) -> Cell:
    standing = [c for c in group if not c["waived"]]
    worst = max((c["verdict"] for c in standing), key=_severity, default="waived")
    if _severity(worst) > Verdict.EQUIVALENT:
        variants = {c["variant"] for c in standing if c["verdict"] == worst}
        return worst, f"{SYMBOLS[worst]}{len(variants)}"
    if len(standing) < len(group):
        return "waived", f"({len({c['variant'] for c in group if c['waived']})})"
    return worst, SYMBOLS[worst]


def _severity(verdict: str) -> int:
    return -1 if verdict == "waived" else Verdict[verdict.upper()]


def _draw(axes: Any, rows: list[str], columns: list[dict[str, Any]],
          cells: dict[tuple[str, str], Cell], upright: float) -> None:
    """Draw the grid: names at the left, versions above, families above these.

    Args:
        upright: height of the longest version, in cells.
    """
    from matplotlib.patches import Rectangle

    axes.set(xlim=(0, max(1, len(columns))), ylim=(max(1, len(rows)), 0))
    axes.axis("off")
    for y, case in enumerate(rows):
        axes.text(-0.3, y + 0.5, _short(case), ha="right", va="center", fontsize=8.5)
        for x, environment in enumerate(columns):
            name, text = cells.get((case, environment["name"]), ("none", "·"))
            axes.add_patch(Rectangle((x + 0.04, y + 0.06), 0.92, 0.88, linewidth=0,
                                     facecolor=COLOURS[name]))
            axes.text(x + 0.5, y + 0.53, text, ha="center", va="center", fontsize=7)
    before = None
    for x, environment in enumerate(columns):
        axes.text(x + 0.5, -0.2, _short(environment["version"]), rotation=90, ha="center",
                  va="bottom", fontsize=7, color="#333333")
        if environment["family"] != before:
            axes.text(x + 0.1, -0.4 - upright, _short(environment["family"]), ha="left",
                      va="bottom", fontsize=8.5, fontweight="bold")
            axes.plot([x, x], [-0.9 - upright, len(rows)], color="#999999", linewidth=0.8,
                      clip_on=False)
        before = environment["family"]


def _headline(figure: Any, facts: dict[str, Any], answer: str, width: float,
              height: float) -> None:
    """Write the answer, the counts and what the symbols mean."""
    figure.text(0.15 / width, 1 - 0.12 / height, answer, ha="left", va="top", fontsize=10,
                fontweight="bold")
    counts = [f"{SYMBOLS[verdict]} {count} {verdict}"
              for verdict, count in facts["counts"].items() if count]
    counts += [f"( ) {facts['waived']} waived"] if facts["waived"] else []
    below = 0.15 + LINE * (answer.count("\n") + 1)
    figure.text(0.15 / width, 1 - below / height, "    ".join(counts), ha="left", va="top",
                fontsize=8, color="#333333")


def _short(name: str) -> str:
    shown = visible(name).replace("\n", " ")
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST - 1]}…"
