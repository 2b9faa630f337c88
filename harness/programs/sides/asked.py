"""Sides: what is asked for, made into two places where a program can run.

Outside half.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.errors import UsageError
from harness.programs.runs.launching import Side
from harness.programs.sides import hints, making
from harness.programs.sides.making import Environment
from harness.programs.sides.requirements import Requirements, parse, read, shown
from harness.programs.sides.resolving import Wanted
from harness.words import few

BASELINE, OBSERVED = NAMES = ("baseline", "observed")


@dataclass(frozen=True)
class Asked:
    """One side as it was asked for.

    Args:
        requirements: as typed; see ``harness.programs.sides.requirements``.
        python: version or path of an interpreter; None for what fits both sides.
        variables: environment variables of its own.
        arguments: of the program, after the common ones.
        directory: to start the program in; None for where the command was typed.
    """

    requirements: tuple[str, ...] = ()
    python: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    directory: Path | None = None


@dataclass(frozen=True)
class Common:
    """What both sides are asked for.

    Args:
        requirements: beside each side's own.
        replaced: requirements that the observed side has instead of the baseline's.
        constraints: files that bound what is resolved.
        indexes: to look in as well.
        folder: where the command was typed.
        refresh: resolve and install anew what is in the cache.
    """

    folder: Path
    requirements: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    constraints: tuple[Path, ...] = ()
    indexes: tuple[str, ...] = ()
    refresh: bool = False


@dataclass(frozen=True)
class Difference:
    """Something in which the two sides differ.

    Args:
        kind: ``package``, ``python``, ``variable``, ``arguments`` or ``directory``.
        is_named: whether it was asked for, or came with something else.
    """

    kind: str
    name: str
    baseline: str
    observed: str
    is_named: bool

    def __str__(self) -> str:
        name = self.name if self.kind == "package" else f"{self.kind} {self.name}".strip()
        before, after = shown([self.baseline, self.observed])
        return f"{name} {before or 'absent'} -> {after or 'absent'}"


def complete(baseline: Asked, observed: Asked, common: Common) -> tuple[Asked, Asked]:
    """Return both sides; the observed one is made like the other where only something else of
    it is said."""
    is_said = common.replaced or observed != Asked(python=observed.python) \
        or observed.python != baseline.python
    if observed.requirements or not is_said:
        return baseline, observed
    return baseline, replace(observed, requirements=baseline.requirements)


def make(baseline: Asked, observed: Asked, common: Common,
         tell: Callable[[str], None] = lambda text: None) -> tuple[Side, Side]:
    """Return the two sides, their environments made where the cache has none.

    Raises:
        UsageError: a side is made of nothing, or of what cannot be installed.
        HarnessError: an environment cannot be made.
    """
    asked = dict(zip(NAMES, (baseline, observed), strict=True))
    read_of = {name: _read(name, one, common) for name, one in asked.items()}
    newest = hints.python([_named(found, common) for found in read_of.values()])
    environments: list[Environment] = []
    for name, one in asked.items():
        wanted = Wanted(name, read_of[name], one.python or newest,
                        common.replaced if name == OBSERVED else (), common.constraints,
                        common.indexes)
        preferred = environments[0].pins if environments else ""
        environments.append(making.make(wanted, preferred, common.refresh, tell))
    made, other = (Side(name, environment, _directory(name, one, common), one.variables,
                        one.arguments)
                   for environment, (name, one) in zip(environments, asked.items(), strict=True))
    return made, other


def differences(baseline: Side, observed: Side, named: set[str]) -> list[Difference]:
    """Return in what two sides differ, what was asked for first.

    Args:
        named: normalised names of the packages that were asked for.
    """
    one, other = baseline.environment, observed.environment
    found = [Difference("package", name, one.packages.get(name, ""), other.packages.get(name, ""),
                        name in named)
             for name in sorted({*one.packages, *other.packages})
             if one.packages.get(name) != other.packages.get(name)]
    if one.python != other.python:
        found.append(Difference("python", "", one.python, other.python, False))
    for name in sorted({*baseline.variables, *observed.variables}):
        mine, theirs = (side.variables.get(name, "") for side in (observed, baseline))
        if mine != theirs:
            found.append(Difference("variable", name, theirs, mine, True))
    for kind, mine, theirs in (
            ("arguments", " ".join(observed.arguments), " ".join(baseline.arguments)),
            ("directory", str(observed.directory), str(baseline.directory))):
        if mine != theirs:
            found.append(Difference(kind, "", theirs, mine, True))
    return sorted(found, key=lambda difference: not difference.is_named)


def named(baseline: Asked, observed: Asked, common: Common) -> set[str]:
    """Return the normalised names of the packages that only one side asks for, or otherwise."""
    texts = {*baseline.requirements} ^ {*observed.requirements}
    parsed = [parse(text) for text in (*texts, *common.replaced)]
    return {canonicalize_name(requirement.name) for requirement in parsed if requirement}


def describe(found: list[Difference]) -> str:
    """Return in one sentence what differs between the sides."""
    if not found:
        return "nothing differs between the sides"
    asked = [difference for difference in found if difference.is_named]
    beside = [difference for difference in found if not difference.is_named]
    shown = few([*map(str, beside)], SHOWN)
    if not asked:
        return f"nothing but {shown} differs" if len(beside) == 1 else \
            f"{len(beside)} packages and settings differ between the sides: {shown}"
    what = ", ".join(map(str, asked))
    return f"{what}; nothing else moved" if not beside else \
        f"{what}; beside it moved {shown}"


SHOWN = 4
"""Differences that are shown beside those that were asked for."""


def _named(found: Requirements, common: Common) -> Mapping[str, Requirement]:
    """Return what a side names, with what replaces it."""
    replaced = Requirements(tuple(common.replaced)).named()
    return {**found.named(), **replaced}


def _read(name: str, asked: Asked, common: Common) -> Requirements:
    if not asked.requirements:
        raise UsageError(f"the {name} side is made of nothing", f"--{name}",
                         next_command=f"harness try --{name} torch==2.13.0 ...")
    return read([*asked.requirements, *common.requirements], common.folder, name)


def _directory(name: str, asked: Asked, common: Common) -> Path:
    folder = (common.folder / (asked.directory or ".")).resolve()
    if not folder.is_dir():
        raise UsageError(f"the {name} side has no such folder to run in", str(folder),
                         next_command=f"--{name}-directory DIR")
    return folder
