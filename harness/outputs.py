"""What a night or a comparison leaves behind: history, summary, JUnit XML, HTML, JSON.

Outside half.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from harness import history, junit, summary, timeline, unchanged
from harness import report as reporting
from harness.compare import Report
from harness.confirmation import Outcome
from harness.errors import HarnessError
from harness.facts import verdict_facts
from harness.figures import night_of
from harness.files import write_text
from harness.nightly import Nightly
from harness.project import Project
from harness.record import Record


def write(project: Project, night: Nightly) -> list[Path]:
    """Write everything below results/; return the files.

    A history that cannot be written is a problem of the night and keeps nothing else from
    being written.
    """
    folder = project.root / "results"
    try:
        _remember(project, night)
    except HarnessError as error:
        night.problems.append(str(error))
    unstable = {found.alarm.environment: f"unstable: {found.why}"
                for found in night.having(Outcome.UNSTABLE)}
    write_text(folder / "summary.md", summary.render(night.report, night))
    junit.write(night.report, folder / "junit.xml", unstable)
    reporting.write(night.report, project, folder / "report.html",
                    timeline.load_if_any(project, night.report.notes), folder / "report.svg")
    return [folder / name for name in ("summary.md", "junit.xml", "report.html", "report.svg")]


def write_verdicts(report: Report, as_json: str | None, as_junit: str | None,
                   as_markdown: str | None) -> None:
    """Write the verdicts of one comparison into each file that is named.

    Raises:
        OSError: one could not be written; the others are.
    """
    with contextlib.ExitStack() as stack:  # the last one that is added comes first
        if as_markdown:
            stack.callback(lambda: write_text(Path(as_markdown), summary.render(report)))
        if as_junit:
            stack.callback(junit.write, report, Path(as_junit))
        if as_json:
            stack.callback(lambda: write_text(Path(as_json), json.dumps(
                verdict_facts(report), indent=1, allow_nan=False) + "\n"))


def _remember(project: Project, night: Nightly) -> None:
    """Append the night to the history."""
    records = night.report.observed
    seconds = {key: float(record.provenance["seconds"]) for key, record in records.items()
               if "seconds" in record.provenance}
    host = " + ".join(sorted({_host(record) for record in records.values()})) or "unknown"
    kept = night_of(night.report, night.at, night.outcome, host, unchanged.commit(project.root),
                    seconds, night.exit_code)
    note = history.append(history.path_of(project), kept)
    night.report.notes += [note] if note else []


def _host(record: Record) -> str:
    """Return system and processor of a record's machine, in words."""
    cpu = record.provenance.get("cpu") or {}
    return f"{record.provenance.get('platform', 'unknown')} {cpu.get('model', 'unknown')}"
