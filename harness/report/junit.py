"""Verdicts as JUnit XML, which most continuous-integration systems show.

Outside half. One test case a comparison: what is the same or waived passes, a difference is
a failure, and what could not be compared an error.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from harness.compare.checks.finding import Comparison, Finding
from harness.compare.compare import Report
from harness.files import write_text

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped (section 2.2)."""


def write(report: Report, path: Path, excused: Mapping[str, str] | None = None) -> None:
    """Write one test suite a case, with one test case a comparison.

    Args:
        excused: environment -> why its differences are no failure; they are said.
    """
    suites: dict[str, TestSuite] = {}
    for comparison in report.comparisons:
        suite = suites.setdefault(comparison.case, TestSuite(comparison.case))
        suite.add_testcase(_test(comparison, (excused or {}).get(comparison.observed)))
    xml = JUnitXml("training regression harness")
    for suite in suites.values():
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    stream = io.BytesIO()
    xml.write(stream, pretty=True)
    write_text(path, stream.getvalue().decode("utf-8"))


def _test(comparison: Comparison, excuse: str | None) -> TestCase:
    test = TestCase(f"{comparison.observed} against {comparison.side}: {comparison.variant}",
                    comparison.case)
    waived = [f"waived: {f.sentence} ({f.waiver.reason}; {f.waiver.upstream})"
              for f in comparison.findings if f.waiver is not None]
    opened = comparison.open_findings
    if comparison.problem:
        test.result = [_result(Error, comparison.problem, comparison, [])]
    elif opened and excuse is None:
        test.result = [_result(Failure, opened[0].sentence, comparison, opened)]
    said = waived + ([f"{excuse}: {f.sentence}" for f in opened] if excuse else [])
    if said:
        test.system_out = _clean("\n".join(said))
    return test


def _result(kind: type[Error] | type[Failure], message: str, comparison: Comparison,
            findings: list[Finding]) -> Error | Failure:
    result = kind(_clean(message.splitlines()[0]), comparison.verdict.word)
    result.text = _clean("\n".join(_told(f) for f in findings) or message)
    return result


def _told(finding: Finding) -> str:
    """Return a finding in words, with what locates it."""
    numbers = {"check": finding.check, "step": finding.step, "checkpoint": finding.checkpoint,
               "phase": finding.phase, "tensor": finding.tensor, "deviation": finding.deviation,
               "allowance": finding.allowance}
    located = ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                        for name, value in numbers.items() if value is not None)
    return f"{finding.sentence} [{located}]"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
