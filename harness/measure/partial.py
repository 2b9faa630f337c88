"""Partial runs: selected variants of a case, which never stand for the whole of it.

Inside half: standard library and NumPy only. What was measured of some variants goes into the
whole run if that has the same origin, to the last digest, so that every variant would have
come out the same had all of them been measured again. Otherwise it lies apart from the whole
run, which stays as it is.
"""

from __future__ import annotations

from typing import Any, Mapping

from harness.errors import HarnessError
from harness.records import writing
from harness.records.project import Project

OF_ONE_RUN = ("recorded", "renewed", "seconds", "selection", "errors")
"""What provenance says of one run, and not of what the run depends on."""


def settle(project: Project, case: str, environment: str) -> str | None:
    """Take the variants of a partial run into the whole run; the caller holds the lock.

    The whole run keeps the time it was recorded at, and says of a variant that was renewed
    when that was.

    Returns:
        Why it lies apart, where, and what to type next; None if it was taken in.
    """
    path = project.partial_path(case, environment)
    whole_path = project.run_path(case, environment)
    part = writing.reopen(path)
    recorded = part["provenance"].get("recorded")
    if part["provenance"].get("errors"):
        return _apart("variants raised an error", project, case, environment)
    if not whole_path.exists():
        return _apart("there is no whole run", project, case, environment)
    try:
        whole = writing.reopen(whole_path)
    except HarnessError as error:
        return _apart(f"the whole run cannot be read: {error.what}", project, case, environment)
    origin = whole["provenance"]
    differing = differences(origin, part["provenance"])
    if differing:
        return _apart("the whole run was measured from another state: "
                      f"{', '.join(differing)} differ", project, case, environment)
    variants = {**whole["variants"], **part["variants"]}
    renewed = {**origin.get("renewed", {}), **{name: recorded for name in part["variants"]}}
    broken = sorted(name for name, variant in variants.items() if "error" in variant)
    whole["provenance"] = {**origin, "renewed": renewed, "errors": broken}
    if not broken:
        del whole["provenance"]["errors"]
    writing.rewrite({**whole, "variants": variants}, whole_path)
    if not broken:
        project.failure_path(case, environment).unlink(missing_ok=True)
    path.unlink()
    return None


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the names of what two runs depend on and differ in, ``packages`` or so."""
    names = dict.fromkeys([*one, *other])
    return [name for name in names if name not in OF_ONE_RUN
            and one.get(name) != other.get(name)]


def _apart(why: str, project: Project, case: str, environment: str) -> str:
    path = project.partial_path(case, environment)
    return (f"kept apart from the whole run: {why}\n  where: {path}\n"
            f"  next:  harness compare {environment} --case {case} --variant PATTERN, "
            f"or all of it: tox run -e {environment} -- {case}")
