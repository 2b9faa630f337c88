"""What a night or a comparison leaves behind: history, summary, JUnit XML, HTML, JSON.

Outside half.
"""

from __future__ import annotations

import contextlib
import json
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness import report as reporting
from harness.compare.compare import Report
from harness.errors import HarnessError
from harness.files import write_text
from harness.history import history, unchanged
from harness.history.facts import collect as trends
from harness.history.figures import night_of
from harness.nightly import summary
from harness.nightly.confirmation import Outcome
from harness.nightly.job import Nightly
from harness.programs.saved import timeline
from harness.records.project import Project
from harness.records.record import Record
from harness.report import junit, verdicts
from harness.report.causes import Second


def write(project: Project, night: Nightly) -> list[Path]:
    """Write everything below results/; return the files that are written.

    What cannot be written is a problem of the night and keeps nothing else from being written;
    the history alone waits for the rest, so that it never tells of a night without its report.
    """
    folder = project.root / "results"
    page, table, told = folder / "report.html", folder / "junit.xml", folder / "summary.md"
    unstable = {found.alarm.environment: f"unstable: {found.why}"
                for found in night.having(Outcome.UNSTABLE)}
    written = [path for path, make in (
        (page, partial(_report, project, night, page)),
        (table, partial(junit.write, night.report, table, unstable)),
        (told, partial(_summarize, night, told))) if _is_made(night, path, make)]
    if len(written) == 3:
        history_path = history.path_of(project)
        if _is_made(night, history_path, partial(_remember, project, night)):
            written.append(history_path)
    else:
        night.problems.append("the history does not tell of this night, because something else "
                              "of it could not be written")
    if told in written:  # with what the history had to say
        _is_made(night, told, partial(_summarize, night, told))
    return written


def _is_made(night: Nightly, path: Path, make: Callable[[], None]) -> bool:
    """Return whether a file could be made; if not, that is a problem of the night."""
    try:
        make()
        return True
    except HarnessError as error:
        night.problems.append(str(error))
    except OSError as error:
        night.problems.append(str(HarnessError(
            f"{path.name} cannot be written", str(path), str(error.strerror or error),
            f"ls -ld {path.parent}; df {path.parent}")))
    except Exception as error:  # a record that one page cannot show must not hide the others
        frame = traceback.extract_tb(error.__traceback__)[-1]
        night.problems.append(str(HarnessError(
            f"{path.name} cannot be made: {type(error).__name__}: {error}", str(path),
            f"at {Path(frame.filename).name}:{frame.lineno}", "harness compare")))
    return False


def _report(project: Project, night: Nightly, path: Path) -> None:
    seconds = {found.alarm.environment: Second(outcome=found.outcome.value, why=found.why,
                                               control=found.alarm.control)
               for found in night.confirmations}
    reporting.write(night.report, project, path,
                    timeline.load_if_any(project, night.report.notes), path.with_suffix(".svg"),
                    seconds=seconds, trend=trends(project))


def _summarize(night: Nightly, path: Path) -> None:
    write_text(path, summary.render(night.report, night))


def write_verdicts(report: Report, as_json: Path | None, as_junit: Path | None,
                   as_markdown: Path | None) -> None:
    """Write the verdicts of one comparison into each file that is named.

    Raises:
        OSError: one could not be written; the others are.
    """
    with contextlib.ExitStack() as stack:  # the last one that is added comes first
        if as_markdown:
            stack.callback(lambda: write_text(as_markdown, summary.render(report)))
        if as_junit:
            stack.callback(junit.write, report, as_junit)
        if as_json:
            stack.callback(lambda: write_text(as_json, json.dumps(
                verdicts.collect(report), indent=1, allow_nan=False) + "\n"))


def _remember(project: Project, night: Nightly) -> None:
    """Append the night to the history."""
    records = night.report.observed
    seconds = {key: float(record.provenance["seconds"]) for key, record in records.items()
               if "seconds" in record.provenance}
    host = " + ".join(sorted({_host(record) for record in records.values()})) or "unknown"
    kept = night_of(night.report, night.at, night.outcome, host, unchanged.commit(project.root),
                    seconds, night.exit_code, night.builds)
    note = history.append(history.path_of(project), kept)
    night.report.notes += [note] if note else []


def _host(record: Record) -> str:
    """Return system and processor of a record's machine, in words."""
    cpu = record.provenance.get("cpu") or {}
    return f"{record.provenance.get('platform', 'unknown')} {cpu.get('model', 'unknown')}"
