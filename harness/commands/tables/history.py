"""The history of a case in the terminal: what changed, as Rich tables; the rest is counted.

Outside half. Builds renderables and prints nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.commands.tables.blocks import STYLES
from harness.compare.checks.finding import Verdict
from harness.words import NOT_FINITE

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40
"""Characters of a sparkline, at most."""


def render(facts: dict[str, Any]) -> RenderableType:
    """Return one table for every environment and variant that changed, and the summary.

    Variants of an environment whose figures changed in the same nights share one.

    Args:
        facts: as ``harness.history.facts`` tells them.
    """
    tables = [_table(alike, len(facts["hosts"]) > 1) for alike in _alike(facts["changed"])]
    return Group(*tables, summary(facts))


def summary(facts: dict[str, Any]) -> Text:
    """Return in a line or two what changed, what only varies and what is constant."""
    changed = sum(len(group["series"]) for group in facts["changed"])
    constant = facts["constant"]
    hosts = "" if len(facts["hosts"]) == 1 else f" on {len(facts['hosts'])} hosts"
    text = Text(f"{facts['case']}, {_count(facts['nights'], 'night')}{hosts} from "
                f"{facts['from'][:10]} to {facts['to'][:10]}: ")
    text.append(f"{changed} series changed", "yellow" if changed else "green")
    text.append(f"; {facts['steady']} vary without a change; {constant['series']} series of "
                f"{_count(constant['environments'], 'environment')} constant")
    return text


def sparkline(values: Sequence[float | str], width: int = WIDTH) -> str:
    """Return the values as bars, each the last of its share of the nights.

    Args:
        values: finite, or in the words that JSON has for the others; these are shown as ``!``.
    """
    numbers = [NOT_FINITE[value] if isinstance(value, str) else value for value in values]
    shown = [numbers[(i + 1) * len(numbers) // width - 1] for i in range(width)] \
        if len(numbers) > width else numbers
    finite = [value for value in shown if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_bar(value, low, high) for value in shown)


def _bar(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return "!"
    part = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.0
    return BARS[min(int(part * len(BARS)), len(BARS) - 1)]


def _alike(groups: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return groups that differ in the variant and the sizes only in one list."""
    found: dict[object, list[dict[str, Any]]] = {}
    for group in groups:
        changes = [(series["name"], series["host"], change["kind"], change["time"])
                   for series in group["series"] for change in series["changes"]]
        key = group["environment"], str(group["verdict"]), group["variant"] == "*", str(changes)
        found.setdefault(key, []).append(group)
    return list(found.values())


def _table(alike: list[dict[str, Any]], names_host: bool) -> Table:
    """Return the table of what is alike, with the first one's figures."""
    group = alike[0]
    title = Text.assemble((f"{group['environment']} {_variant(group['variant'])}", "bold"),
                          f", {_count(group['nights'], 'night')}", *_last(group["verdict"]))
    if len(alike) > 1:
        title.append("\nlikewise " + ", ".join(other["variant"] for other in alike[1:]), "dim")
    table = Table("figure", "since", "", "before", "after", "nights", title=title,
                  title_justify="left", title_style="", header_style="bold", pad_edge=False)
    for series in group["series"]:
        for index, change in enumerate(series["changes"]):
            name = f"{series['name']} ({series['host']})" if names_host else series["name"]
            table.add_row("" if index else escape(name), change["time"][:10], change["kind"],
                          _figure(change["before"]), _figure(change["after"]),
                          "" if index else sparkline(series["values"]))
    return table


def _last(verdict: dict[str, Any] | None) -> list[str | tuple[str, str]]:
    if verdict is None:
        return []
    word = f"({verdict['verdict']})" if verdict["waived"] else verdict["verdict"]
    style = "dim" if verdict["waived"] else STYLES[Verdict[verdict["verdict"].upper()]]
    return [", last ", (word, style)]


def _variant(name: str) -> str:
    return "the whole case" if name == "*" else name


def _figure(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.9g}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
