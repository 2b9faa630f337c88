"""The trend over many nights: what changed, and how much did not, as plain facts.

Outside half. ``harness history`` shows the same facts in the terminal.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.compare.checks.finding import Verdict
from harness.environments import names as environments
from harness.errors import HarnessError, MissingRecordError, UsageError, candidates, unknown
from harness.history import history, trend
from harness.history.history import History
from harness.history.night import Told
from harness.history.trend import Trend
from harness.records.project import Project
from harness.words import is_asked, number


def collect(project: Project) -> dict[str, Any]:
    """Return the facts of every case that has a history; none yet is no problem."""
    path = history.path_of(project)
    try:
        return {"problem": None, "cases": [case_facts(history.load(path, case), case)
                                           for case in history.cases(path)]}
    except MissingRecordError:
        return {"problem": None, "cases": []}
    except HarnessError as error:
        return {"problem": str(error), "cases": []}


def case_facts(known: History, case: str, last: int = trend.NIGHTS,
               environment: str | None = None, variants: list[str] | None = None
               ) -> dict[str, Any]:
    """Return what changed in one case, by environment and variant, and how much did not.

    Args:
        last: how many nights to look at.
        environment: the only one to tell of; the search is the same.
        variants: shell patterns of the only ones to tell of.

    Raises:
        UsageError: the history knows no such environment or variant; or no night is asked for.
    """
    if last < 1:
        raise UsageError("--nights must be at least 1", case, str(last))
    names = {series.figure.environment for series in known.series}
    if environment is not None and environment not in names:
        raise unknown(f"environment in the history of {case}", environment, sorted(names))
    trends = [t for t in trend.search(known, last) if _is_wanted(t, environment, variants)]
    if not trends:
        known_variants = {series.figure.variant for series in known.series}
        raise UsageError("the history has no variant that matches " + ", ".join(variants or ()),
                         case, candidates((variants or [""])[0], known_variants),
                         f"harness history {case}")
    constant = [t for t in trends if not trend.varies(t.values)]
    nights = sorted({night for t in trends for night in t.nights})
    return {
        "case": case,
        "nights": len(nights),
        "from": known.nights[nights[0]].at,
        "to": known.nights[nights[-1]].at,
        "hosts": list(dict.fromkeys(t.host for t in trends)),
        "constant": {"series": len(constant),
                     "environments": len({t.figure.environment for t in constant})},
        "steady": sum(not t.changes for t in trends) - len(constant),
        "changed": _changed(known, [t for t in trends if t.changes]),
    }


def _is_wanted(found: Trend, environment: str | None, variants: list[str] | None) -> bool:
    return environment in (None, found.figure.environment) and (
        not variants or is_asked(found.figure.variant, variants))


def _changed(known: History, trends: list[Trend]) -> list[dict[str, Any]]:
    """Return the environments and variants with a change, each with its series."""
    groups: dict[tuple[str, str], list[Trend]] = {}
    for found in sorted(trends, key=lambda t: (environments.sort_key(t.figure.environment),
                                               t.figure, t.host)):
        key = found.figure.environment, found.figure.variant
        groups.setdefault(key, []).append(found)
    return [{"environment": environment, "variant": variant,
             "nights": len({night for t in group for night in t.nights}),
             "verdict": _verdict([told for side, told in known.verdicts.items()
                                  if (side.environment, side.variant) == (environment, variant)]),
             "series": [_series(known, t) for t in group]}
            for (environment, variant), group in groups.items()]


def _verdict(told: list[Told]) -> dict[str, Any] | None:
    """Return the worst of the last night's verdicts; those that are not waived first."""
    if not told:
        return None
    worst = max(told, key=lambda t: (not t.waived, Verdict[t.verdict.upper()]))
    return {"verdict": worst.verdict, "waived": worst.waived}


def _series(known: History, found: Trend) -> dict[str, Any]:
    return {"name": found.figure.name, "host": found.host,
            "times": [known.nights[night].at for night in found.nights],
            "values": [number(value) for value in found.values],
            "changes": [{name: number(value) for name, value in dataclasses.asdict(change).items()
                         if name != "index"} for change in found.changes]}
