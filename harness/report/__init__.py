"""The report: one self-contained HTML page, and the JSON it is made from.

Outside half. It shows what ``harness.compare.compare`` found and decides nothing itself:
first plain facts (``facts``), then a page rendered from these facts alone
(``render``), so that the page cannot say what the JSON does not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.compare.compare import Report
from harness.compare.timeline import Timeline
from harness.errors import UsageError
from harness.files import write_text
from harness.records import provenance
from harness.records.project import Project
from harness.report.causes import Second


def write(report: Report, project: Project, output: Path,
          lineages: Sequence[Timeline] = (), drawn: Path | None = None,
          way: Timeline | None = None, seconds: Mapping[str, Second] | None = None,
          trend: Mapping[str, Any] | None = None) -> None:
    """Write the HTML report, and next to it a ``.json`` with the same facts.

    Apart from the time at which it is generated, the same comparison gives the
    same bytes.

    Args:
        report: what was compared; nothing is measured or compared here.
        project: the checkout it was compared in; for the cases and the pins.
        output: the HTML file. It opens from ``file://`` and asks the network for
            nothing.
        lineages: timelines of the stored baselines, to be shown as well.
        drawn: PNG or SVG file for the small picture, if it is wanted.
        way: the versions between two that were compared with each other.
        seconds: what the second measurement of an alarm said, by environment.
        trend: what changed over many nights, as ``history.facts.collect`` tells it.

    Raises:
        UsageError: the name leaves no other one for the JSON, or is no picture's.
    """
    from harness.report import facts as reporting
    from harness.report import picture
    from harness.report.page.render import render

    if output.suffix == ".json":
        raise UsageError("the report is a page, its JSON is written next to it", str(output),
                         next_command=f"harness report --output {output.with_suffix('.html')}")
    facts = reporting.collect(report, project, provenance.now(), lineages, way, seconds,
                              trend)
    with contextlib.ExitStack() as stack:  # whatever cannot be written, the rest is
        if drawn is not None:
            stack.callback(picture.write, facts, drawn)
        stack.callback(lambda: write_text(output, render(facts)))
        write_text(output.with_suffix(".json"), reporting.dumps(facts))
