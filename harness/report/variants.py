"""The cases and their variants, and what each one's detail shows.

Outside half. What a detail needs beyond verdicts is apart from them, so that the page
unpacks it when the detail is opened.
"""

from __future__ import annotations

import contextlib
from typing import Any

from harness.compare.checks.finding import Comparison
from harness.compare.checks.significance import share_trained
from harness.compare.compare import Report
from harness.environments import names
from harness.errors import HarnessError
from harness.records.environment import parse
from harness.records.native_record import NativeRecord
from harness.records.project import Project
from harness.records.record import NativeRun, Record
from harness.report import charts
from harness.report.charts import Records, Strips
from harness.store.store import Store
from harness.vocabulary.case import Case
from harness.words import number

WHOLE_CASE = "*"
"""The variant of a comparison that failed for a whole case."""


def newest(report: Report, project: Project) -> dict[tuple[str, str], Record]:
    """Return the newest accepted record of every family, by case and environment.

    They are drawn beside what was compared: one case, all frameworks.
    """
    store, found = Store(project), {}
    for case in dict.fromkeys(c.case for c in report.comparisons):
        last = {parse(name).family: name
                for name in sorted(store.accepted(case), key=names.sort_key)}
        for name in last.values():
            with contextlib.suppress(HarnessError):  # what is damaged is told where it is compared
                found[case, name] = store.baseline(case, name)
    return found


def collect(report: Report, project: Project, beside: Records
            ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the cases with their variants, and by ``case/variant`` what a detail shows.

    Args:
        beside: records to draw beside what was compared.
    """
    store, mine = Store(project), _by_variant(report)
    cases: list[dict[str, Any]] = []
    chunks: dict[str, Any] = {}
    for name in dict.fromkeys(c.case for c in report.comparisons):
        is_program = name in project.program_names()
        sound, found = [] if is_program else project.sound([name])[0], []
        if not sound:  # its comparisons say why, or all that there is of a program
            for variant in [one for case, one in mine if case == name] if is_program \
                    else [WHOLE_CASE]:
                chunks[f"{name}/{variant}"] = {"charts": {}, "probes": [], "judged": [],
                                                "native": [],
                                                "losses": _losses(report, name)}
                found.append({"name": variant, "open": not is_program or any(
                    c.problem or c.open_findings for c in mine[name, variant])})
            cases.append({"name": name, "summary": "", "variants": found})
            continue
        case = sound[0]
        for variant in _ordered(case, mine):
            chunk = _chunk(report, beside, store, case, variant, mine[name, variant])
            chunks[f"{name}/{variant}"] = chunk
            found.append({
                "name": variant,
                "open": any(c.problem or c.open_findings for c in mine[name, variant])})
        cases.append({"name": name, "summary": case.summary, "variants": found})
    return cases, chunks


def _losses(report: Report, program: str) -> list[dict[str, Any]]:
    """Return the losses of a program in every comparison that has some."""
    told = [(observed, baseline, tell()) for (name, observed, baseline), tell
            in report.losses.items() if name == program]
    return [{**found, "sides": {"observed": observed, "baseline": baseline}}
            for observed, baseline, found in told if found is not None]


def _by_variant(report: Report) -> dict[tuple[str, str], list[Comparison]]:
    found: dict[tuple[str, str], list[Comparison]] = {}
    for c in report.comparisons:
        found.setdefault((c.case, c.variant), []).append(c)
    return found


def _ordered(case: Case, mine: dict[tuple[str, str], list[Comparison]]) -> list[str]:
    """Return the compared variants of a case, as the case declares them."""
    declared = [WHOLE_CASE, *(v.name for v in case.variants)]
    return sorted((variant for name, variant in mine if name == case.name),
                  key=lambda name: declared.index(name) if name in declared else len(declared))


def _chunk(report: Report, beside: Records, store: Store, case: Case, variant: str,
           comparisons: list[Comparison]) -> dict[str, Any]:
    strips = Strips()
    drawn = charts.collect(report, beside, case, variant, strips)
    charts.judge_all(report, beside, comparisons, strips)
    return {"charts": drawn, "probes": strips.facts, "judged": list(strips.judged.values()),
            "native": _native(store, case, variant, comparisons)}


def _native(store: Store, case: Case, variant: str,
            comparisons: list[Comparison]) -> list[dict[str, Any]]:
    """Return the native runs of everyone concerned, if the case has some of this variant."""
    if case.native is None or variant not in case.native.variants:
        return []
    sides = dict.fromkeys([*((c.observed, True) for c in comparisons),
                           *((c.baseline, False) for c in comparisons)])
    facts = []
    for environment, is_run in sides:
        try:
            record = store.native(case.name, environment, is_run)
        except HarnessError:  # none, or none that can be read: the comparison says so
            continue
        if record.runs.get(variant):
            fact = _distribution(case, record, record.runs[variant])
            facts += [] if fact in facts else [fact]
    return facts


def _distribution(case: Case, record: NativeRecord, runs: list[NativeRun]) -> dict[str, Any]:
    assert case.native is not None
    share = share_trained([run.trained for run in runs])
    return {
        "environment": record.environment,
        "role": "observed" if record.accepted is None else "baseline",
        "final_loss": [number(run.final_loss) for run in runs],
        "metric": [number(run.metric) for run in runs],
        "trained": [run.trained for run in runs],
        "metric_name": case.native.trained.metric, "minimum": case.native.trained.minimum,
        "share": share.share, "interval": [share.low, share.high],
    }
