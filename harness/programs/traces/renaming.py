"""Names that two traces have for the same thing: a module path with another prefix, for example.

Outside half. A name that both sides have is never renamed. What is left is matched by a change
of the beginning of paths that explains most of it, then by order and size; whatever remains is
on one side only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from harness.programs.traces.trace import SCHEDULE, Trace

MOST, TRIED, ROUNDS = 2000, 40, 8
"""Names on one side only that are matched; names a prefix is guessed from; prefixes."""
Signature = tuple[int, int]
"""Channels that a name occurs in, as bits, and the size of its first tensor."""


@dataclass(frozen=True)
class Renaming:
    """One consistent change of names.

    Args:
        observed, baseline: beginnings of paths; or, if ``by_order``, the first pair of names.
        count: names it explains.
        by_order: whether the names were matched by order and size alone.
    """

    observed: str
    baseline: str
    count: int
    by_order: bool = False

    @property
    def sentence(self) -> str:
        """The renaming in words."""
        if self.by_order:
            return (f"{self.count} names differ and were matched by order and size: "
                    f"{self.baseline} is {self.observed}, ...")
        return (f"{self.count} names on the observed side begin with {self.observed!r} where those "
                f"of the baseline begin with {self.baseline!r}")


def match(observed: Trace, baseline: Trace) -> tuple[dict[int, int], list[Renaming]]:
    """Return for names of the observed trace those of the baseline, by index, and what was renamed.

    Names that both sides have are in it as well; names of one side only are not.
    """
    places = {name: i for i, name in enumerate(baseline.header.names)}
    found = {i: places[name] for i, name in enumerate(observed.header.names) if name in places}
    taken = set(found.values())
    ours = _signatures(observed, (i for i in range(len(observed.header.names)) if i not in found))
    theirs = _signatures(baseline, (i for i in range(len(places)) if i not in taken))
    if not ours or not theirs or max(len(ours), len(theirs)) > MOST:
        return found, []
    renamings = []
    for _ in range(ROUNDS if ours and theirs else 0):
        renaming, pairs = _by_prefix(observed, baseline, ours, theirs)
        if renaming is None:
            break
        renamings.append(renaming)
        found.update(pairs)
        _drop(pairs, ours, theirs)
        if not ours or not theirs:
            break
    pairs = _by_order(ours, theirs)
    if pairs:
        first = next(iter(pairs))
        renamings.append(Renaming(observed.header.names[first],
                                  baseline.header.names[pairs[first]], len(pairs), True))
        found.update(pairs)
    return found, renamings


def _signatures(trace: Trace, names: Iterable[int]) -> dict[int, Signature]:
    """Return the signature of each of some names, in the order in which they first occur."""
    if not len(trace):
        return {}
    met, first = np.unique(trace.name, return_index=True)
    bits = np.zeros(len(trace.header.names), np.int64)
    np.bitwise_or.at(bits, trace.name, np.int64(1) << trace.channel.astype(np.int64))
    place = dict(zip(met.tolist(), first.tolist(), strict=True))
    chosen = sorted((place[name], name) for name in names if name in place)
    return {name: (int(bits[name]), int(trace.size[at])) for at, name in chosen
            if bits[name] != 1 << SCHEDULE}  # a hyperparameter of another name is another one


def _by_prefix(observed: Trace, baseline: Trace, ours: Mapping[int, Signature],
               theirs: Mapping[int, Signature]) -> tuple[Renaming | None, dict[int, int]]:
    """Return the change of prefix that explains the most names, at least two or all of them."""
    known = {baseline.header.names[name]: name for name in theirs}
    best: tuple[int, str, str, dict[int, int]] = (0, "", "", {})
    for old, new in _guesses(observed, baseline, ours, theirs):
        pairs: dict[int, int] = {}
        for name, signature in ours.items():
            text = observed.header.names[name]
            other = known.get(new + text[len(old):]) if text.startswith(old) else None
            if other is not None and theirs[other] == signature:
                pairs[name] = other
        if len(pairs) > best[0]:
            best = (len(pairs), old, new, pairs)
    count, old, new, pairs = best
    if count < 2 and count < len(ours):
        return None, {}
    return Renaming(old, new, count), pairs


def _guesses(observed: Trace, baseline: Trace, ours: Mapping[int, Signature],
             theirs: Mapping[int, Signature]) -> list[tuple[str, str]]:
    """Return changes of prefix that some pair of names suggests, the likeliest first."""
    votes: Counter[tuple[str, str]] = Counter()
    for name in list(ours)[:TRIED]:
        text = observed.header.names[name]
        for other, signature in theirs.items():
            if signature == ours[name]:
                votes.update(_difference(text, baseline.header.names[other]))
    return [guess for guess, _ in votes.most_common(TRIED)]


def _difference(text: str, other: str) -> list[tuple[str, str]]:
    """Return the beginnings that differ before the longest common end of two paths."""
    length = 0
    for a, b in zip(reversed(text), reversed(other), strict=False):
        if a != b:
            break
        length += 1
    while length and not _is_cut(text, length) and not _is_cut(other, length):
        length -= 1
    return [(text[:len(text) - length], other[:len(other) - length])] if length else []


def _is_cut(text: str, length: int) -> bool:
    """Return whether the last so many characters are whole parts of a path."""
    at = len(text) - length
    return at == 0 or text[at - 1] in "./:[" or text[at] in ":["


def _by_order(ours: Mapping[int, Signature], theirs: Mapping[int, Signature]) -> dict[int, int]:
    """Return names whose neighbours have the same channels and sizes, in the same order."""
    names, others = list(ours), list(theirs)
    blocks = SequenceMatcher(None, [ours[n] for n in names], [theirs[n] for n in others],
                             autojunk=False).get_matching_blocks()
    return {names[block.a + i]: others[block.b + i] for block in blocks
            for i in range(block.size)}


def _drop(pairs: Mapping[int, int], ours: dict[int, Signature],
          theirs: dict[int, Signature]) -> None:
    for name, other in pairs.items():
        del ours[name], theirs[other]
