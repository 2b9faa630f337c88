"""The pinned environments: names from tox.ini, the order of versions.

Outside half. tox.ini is the only list of pins; one line there adds a version.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from packaging.version import InvalidVersion, Version

from harness.errors import HarnessError, unknown
from harness.files import read_text
from harness.records.environment import REFERENCE, parse
from harness.records.paths import is_name

PREDECESSORS = {"keras": ("tensorflow", Version("2.16"))}
"""Family -> the family it grew out of, and where it did. Up to 2.15 TensorFlow carries its own
Keras; from 2.16 on the Keras version decides how training behaves."""
FRAMEWORKS = ("torch", "tensorflow", "keras")
"""Families whose releases tox can install."""
COMPUTED = ("full", "nightly", "oldest")
"""Labels that follow from the matrix; others are written in tox.ini."""
NEWEST = 3
"""Releases of each family that a nightly job measures."""


def pinned(root: Path) -> list[str]:
    """Return the names of the environments of the matrix in tox.ini, in its order.

    Raises:
        HarnessError: tox.ini does not parse, or has no matrix.
    """
    names = _names(_read(root).get("matrix", "environments", fallback=""))
    odd = [name for name in names if not is_name("environment", name)]
    if odd:
        raise HarnessError("no name of an environment in tox.ini", str(root / "tox.ini"),
                           repr(odd[0])[:80], "a name is such as torch-2.13.0")
    if not names:
        raise HarnessError("tox.ini has no matrix of environments", str(root / "tox.ini"),
                           next_command="add 'torch-2.13.0' under [matrix] environments")
    return names


def with_elixir(root: Path) -> list[str]:
    """Return the environments that need Elixir, which tox cannot install; no label has them."""
    return _names(_read(root).get("matrix", "with_elixir", fallback=""))


def labelled(root: Path, label: str) -> list[str]:
    """Return the environments with a framework, and the reference, that a label of tox names.

    ``full``, ``nightly`` and ``oldest`` follow from the matrix; others are in tox.ini.

    Raises:
        UsageError: there is no such label.
    """
    labels = labelling(root)
    if label not in labels:
        raise unknown("label", label, labels, str(root / "tox.ini"))
    return [name for name in pinned(root) if name in labels[label]]


def labelling(root: Path) -> dict[str, set[str]]:
    """Return what every label of tox names: those in tox.ini, and those that are computed."""
    matrix = pinned(root)
    families: dict[str, list[str]] = {}
    for name in sorted(matrix, key=sort_key):
        families.setdefault(parse(name).family, []).append(name)
    releases = {family: [name for name in names if release(name)]
                for family, names in families.items()}
    builds = [name for name in matrix if release(name) is None]
    computed = dict(zip(COMPUTED, (
        set(matrix), {*builds, *(n for r in releases.values() for n in r[-NEWEST:])},
        {REFERENCE, *(n for r in releases.values() for n in r[:1])}), strict=True))
    written = {name.strip(): set(_names(names)) for name, _, names in
               (line.partition("=") for line in
                _read(root).get("tox", "labels", fallback="").splitlines()) if name.strip()}
    return {**written, **computed}


def _read(root: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(read_text(root / "tox.ini"))
    except (HarnessError, configparser.Error) as error:
        raise HarnessError(f"tox.ini does not parse: {error}", str(root / "tox.ini")) from None
    return parser


def _names(text: str) -> list[str]:
    """Return the names in a list apart by commas or lines, without comments.

    As in tox, ``contract-{reference, torch-2.13.0}`` is two names.
    """
    plain = "\n".join(line.partition("#")[0] for line in text.splitlines())
    expanded = re.sub(r"([^\s,{}]*)\{([^{}]*)\}([^\s,{}]*)", lambda found: ", ".join(
        f"{found[1]}{name.strip()}{found[3]}" for name in found[2].split(",")), plain)
    return [name for name in re.split(r"[,\s]+", expanded) if name]


@cache
def release(environment: str) -> Version | None:
    """Return the version of an environment; None of the reference and of odd names."""
    try:
        return Version(parse(environment).version)
    except InvalidVersion:
        return None


def way_to(environment: str) -> str:
    """Return what to type for an environment that is not known: any release can be measured."""
    version = release(environment)
    is_release = parse(environment).family in FRAMEWORKS \
        and version is not None and len(version.release) == 3
    return f"tox run -e {environment}" if is_release else "harness list"


def is_build(environment: str) -> bool:
    """Return whether an environment is a pre-release build, without a version of its own."""
    return parse(environment).is_build


def sort_key(environment: str) -> tuple[bool, str, bool, Version]:
    """Return a key: the reference first, then families and versions in order, builds last."""
    version = release(environment)
    return (environment != REFERENCE, parse(environment).family, version is None,
            version or Version("0"))


def previous(environment: str, known: Iterable[str]) -> str | None:
    """Return the version before this one, among the known environments.

    A release is compared with the release before it; a commit (a development
    version) with whatever came before, commits included; a nightly build with the newest
    release. The first version of a family follows the last one, before it, of the family it
    grew out of.
    """
    family, version = parse(environment).family, release(environment)
    if version is None and not is_build(environment):
        return None
    names = list(known)
    earlier = _before(family, version, names)
    if not earlier and family in PREDECESSORS:
        ancestor, limit = PREDECESSORS[family]
        earlier = [found for found in _before(ancestor, None, names) if found[0] < limit]
    return max(earlier)[1] if earlier else None


def following(environment: str, known: Iterable[str]) -> str | None:
    """Return the next release of the same family after this one, among the known environments."""
    family, version = parse(environment).family, release(environment)
    later = [(other, name) for name in known for other in [release(name)]
             if version is not None and other is not None and parse(name).family == family
             and other > version and not other.is_prerelease]
    return min(later)[1] if later else None


def _before(family: str, version: Version | None, names: list[str]) -> list[tuple[Version, str]]:
    """Return the candidates of a family below a version; None for any release."""
    releases_only = version is None or not version.is_prerelease
    found = []
    for name in names:
        other = release(name)
        if parse(name).family == family and other is not None \
                and (version is None or other < version) \
                and not (releases_only and other.is_prerelease):
            found.append((other, name))
    return found
