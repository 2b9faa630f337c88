"""The report: how long it takes to write, to open, to filter and to look into, and its size.

Outside half; needs Chromium and its driver. The full matrix is the stored baselines, the
largest one is made up: 100 environments and 100 variants. Medians over rounds, in milliseconds
from the browser's own clock, until the frame after the change is on the screen.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness import report as reporting
from harness.compare.compare import Comparer, Question
from harness.environments.names import labelled
from harness.errors import HarnessError
from harness.programs.saved.timeline import load_if_any
from harness.records.project import Project
from harness.report.page.render import render
from harness.store.store import Store
from tests.browser.driving import CHROMIUM, DRIVER, started, wait_for
from tests.kit.page_facts import facts

LARGE = 100
"""Environments, and variants, of the made-up matrix."""
WINDOW = "--window-size=1280,900"
PATIENCE = 60.0
"""Seconds after which a page has failed to open."""
FRAMES = "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));"
OPENED = f"""
document.addEventListener("DOMContentLoaded", () => {{
  const ready = async () => {{
    if (!document.body.dataset.ready || window.openedAfter) return;
    window.openedAfter = 1;
    {FRAMES}
    window.openedAfter = performance.now();
  }};
  new MutationObserver(ready).observe(document.body, {{ attributes: true }});
}});
"""
FILTER = f"""
const done = arguments[arguments.length - 1], field = document.querySelector(arguments[0]);
(async () => {{
  const start = performance.now();
  field.value = arguments[1];
  field.dispatchEvent(new Event(field.type === "search" ? "input" : "change"));
  {FRAMES}
  done(performance.now() - start);
}})();
"""
DETAIL = f"""
const done = arguments[arguments.length - 1];
(async () => {{
  const start = performance.now(), panels = "#detail .panel";
  location.hash = arguments[0];
  while (!document.querySelector(panels)) await new Promise((next) => setTimeout(next, 4));
  {FRAMES}
  const shown = performance.now() - start;
  while (!document.querySelector("#detail .chart canvas"))
    await new Promise((next) => setTimeout(next, 4));
  done([shown, performance.now() - start]);
}})();
"""


@dataclass(frozen=True)
class Figures:
    """What one page took: seconds, bytes, milliseconds, bytes."""

    written: float
    size: int
    opened: float
    filtered: float
    detail: float
    charts: float
    memory: int


TARGETS = {"full matrix": Figures(10, 5_500_000, 500, 200, 300, 300, 250_000_000),
           "100 x 100": Figures(float("inf"), 10**9, 1500, 1000, 300, 300, 10**9)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``report``."""
    parser.add_argument("--rounds", type=int, default=5)


def main(project: Project, options: argparse.Namespace, console: Console) -> bool:
    """Measure, print the table; return whether the targets are met."""
    if not (CHROMIUM and DRIVER):
        raise HarnessError("no Chromium here", next_command="apt-get install chromium "
                                                            "chromium-driver")
    table = Table("page", "written", "size", "opens", "filters", "detail", "its charts", "memory",
                  title="the report in Chromium")
    met = True
    with tempfile.TemporaryDirectory() as folder:
        for name, writing in (("full matrix", write_full), ("100 x 100", write_large)):
            page = Path(folder) / f"{name.replace(' ', '-')}.html"
            seconds = writing(project, page)
            found = measure(page, options.rounds, seconds)
            target = TARGETS[name]
            met &= all(getattr(found, field) <= getattr(target, field)
                       for field in Figures.__dataclass_fields__)
            table.add_row(name, f"{found.written:.1f} s", f"{found.size / 1e6:.1f} MB",
                          f"{found.opened:.0f} ms", f"{found.filtered:.0f} ms",
                          f"{found.detail:.0f} ms", f"{found.charts:.0f} ms",
                          f"{found.memory / 1e6:.0f} MB")
    console.print(table)
    return met


def write_full(project: Project, page: Path) -> float:
    """Write the report of the full matrix; return the seconds, without comparing."""
    comparer = Comparer(Store(project), Question(tuple(labelled(project.root, "full"))))
    found = comparer.compare()
    lineages = load_if_any(project, found.notes, comparer.differ)
    started = time.perf_counter()
    reporting.write(found, project, page, lineages)
    return time.perf_counter() - started


def write_large(project: Project, page: Path) -> float:
    """Write a made-up report; return the seconds for its page alone."""
    made_up = facts(LARGE, LARGE)
    started = time.perf_counter()
    page.write_text(render(made_up), encoding="utf-8")
    return time.perf_counter() - started


def measure(page: Path, rounds: int, written: float) -> Figures:
    """Open a page again and again, each time in a new Chromium."""
    found = [_look(page) for _ in range(rounds)]
    medians = [statistics.median(column) for column in zip(*found, strict=True)]
    return Figures(written, page.stat().st_size, *medians[:-1], int(max(row[-1] for row in found)))


def _look(page: Path) -> tuple[float, ...]:
    """Return what one visitor's page takes, as ``Figures`` has it from ``opened`` on."""
    with started(WINDOW) as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": OPENED})
        driver.get(page.as_uri())
        opened = wait_for(driver, "window.openedAfter > 1 && window.openedAfter", PATIENCE)
        filters = [driver.execute_async_script(FILTER, f"#filters [name={name}]", value)
                   for name, value in (("show", "all"), ("family", "torch"), ("q", "sgd"))]
        address = driver.execute_script(
            "return [...document.querySelectorAll('#cells td a')].at(-1).getAttribute('href')")
        detail, charts = driver.execute_async_script(DETAIL, address)
        memory = _memory(driver)
    return opened, max(filters), detail, charts, memory


def _memory(driver: Any) -> float:
    """Return the resident bytes of the largest process that renders."""
    largest = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (folder / "cmdline").read_bytes():
                pages = int((folder / "statm").read_text().split()[1])
                largest = max(largest, pages * 4096)
        except OSError:  # it has ended
            continue
    return float(largest)
