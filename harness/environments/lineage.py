"""Lineages: the versions of a framework in order, and those of the one that it grew out of.

Outside half.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.environments import names as environments
from harness.records.environment import parse


def lineages(names: Iterable[str]) -> dict[str, list[str]]:
    """Return by family its versions in order, after the version that it grew out of.

    Only families with two versions or more have a timeline.
    """
    known = list(names)
    families: dict[str, list[str]] = {}
    for family in sorted({parse(name).family for name in known}):
        own = [name for name in ancestry(family, known)
               if parse(name).family == family]
        before = environments.previous(own[0], known) if own else None
        families[family] = [*([before] if before else []), *own]
    return {family: versions for family, versions in families.items() if len(versions) > 1}


def ancestry(family: str, known: Iterable[str]) -> list[str]:
    """Return the versions of a family in order, after those of the family it grew out of."""
    known = list(known)
    own = sorted((name for name in known if parse(name).family == family
                  and environments.release(name) is not None), key=environments.sort_key)
    if not own or family not in environments.PREDECESSORS:
        return own
    ancestor, limit = environments.PREDECESSORS[family]
    return [name for name in ancestry(ancestor, known)
            if (environments.release(name) or limit) < limit] + own


def order(first: str, second: str) -> tuple[str, str] | None:
    """Return two environments, the older one first; None if neither leads to the other."""
    for old, new in ((first, second), (second, first)):
        family = parse(new).family
        if ancestry(family, (old, new)) == [old, new] or (
                environments.is_build(new) and environments.previous(new, (old,)) == old):
            return old, new
    return None
