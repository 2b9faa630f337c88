"""The verdicts in the terminal: who was compared, what is open, the counts, the answer.

Outside half. Builds renderables and prints nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.text import Text

from harness.commands.tables import blocks
from harness.commands.tables.blocks import STYLES
from harness.compare.checks.finding import Comparison, Verdict, tally
from harness.compare.compare import ALL_KINDS, Report
from harness.environments import names as environments
from harness.report.answer import answer
from harness.report.changes import causes
from harness.words import counted, few

NAMES, NOTES = 6, 3
"""How many environments and notes are listed; the rest is counted."""


def render(report: Report, everything: bool) -> RenderableType:
    """Return what is open, block by block, what could not be compared, the counts and the answer.

    Args:
        everything: show what agrees or is waived as well, with all reasons and notes.
    """
    parts: list[RenderableType] = [heading(report)]
    for block in (*blocks.render(causes(report), everything), *blocks.advice(report),
                  *problems(report)):
        parts += ["", block]
    if everything:
        parts += ["", *_rows(report.comparisons), _waivers(report)]
    return Constrain(Group(*parts, *conclusion(report, everything)), blocks.READABLE)


def conclusion(report: Report, everything: bool) -> list[RenderableType]:
    """Return notes, counts and answer; and what else --all shows."""
    hidden = None if everything else _hidden(report)
    notes = [note for note in report.notes if everything or note not in report.usual]
    more = f"\nnote: and {len(notes) - NOTES} more" if not everything and len(notes) > NOTES else ""
    said = "\n".join(f"note: {note}" for note in (notes if everything else notes[:NOTES])) + more
    parts: list[RenderableType] = ["", Text(said, "magenta")] if said else []
    return [*parts, "", summary(report), Text(answer(report), "bold"),
            *([hidden] if hidden else [])]


def heading(report: Report) -> Text:
    """Return which side is observed, which is the baseline, and of which record each is."""
    if report.versions:
        baseline, observed = report.versions
        return Text(f"observed {observed}{_record(report, observed, True)}, "
                    f"baseline {baseline}{_record(report, baseline, False)}")
    runs = sorted({name for (_, name), record in report.observed.items()
                   if record.accepted is None}, key=environments.sort_key)
    stored = sorted({name for _, name in report.observed} - set(runs), key=environments.sort_key)
    sides = {"baseline": "their own", "previous": "the previous version",
             "next": "the next version", "reference": "the reference"}
    kinds = [words for kind, words in sides.items()
             if any(c.against == kind for c in report.comparisons)]
    observed = "; ".join([*([f"last runs of {few(runs, NAMES)}"] if runs else []),
                          *([f"stored records of {few(stored, NAMES)}"] if stored else [])])
    return Text(f"observed: {observed or 'nothing'}\nbaseline: {', '.join(kinds)}")


def summary(report: Report) -> Text:
    """Return the counts in one line."""
    counts = tally(report.comparisons)
    waived = sum(c.is_waived for c in report.comparisons)
    text = Text(f"{counted(len(report.comparisons), 'comparison')}: ")
    pieces = [Text(f"{counts[verdict]} {verdict.word}", STYLES[verdict])
              for verdict in Verdict if counts[verdict]]
    pieces += [Text(f"{waived} different, waived", "dim")] if waived else []
    return text + Text(", ").join(pieces)


def _record(report: Report, environment: str, is_observed: bool) -> str:
    """Return of which records a side is, and of when."""
    records = report.observed if is_observed else report.baselines
    found = [record for (_, name), record in records.items() if name == environment]
    kinds = dict.fromkeys("its last run" if record.accepted is None else "its stored baseline"
                          for record in found)
    days = sorted({str(record.provenance["recorded"])[:10] for record in found
                   if record.provenance.get("recorded")})
    when = f", {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else "") if days else ""
    return f" ({' and '.join(kinds)}{when})" if kinds else ""



def problems(report: Report) -> list[RenderableType]:
    """Return what could not be compared, the same problem of an environment once."""
    groups: dict[tuple[str, Verdict, str], dict[str, list[str]]] = {}
    for c in report.comparisons:
        if c.problem:
            cases = groups.setdefault((c.observed, c.verdict, c.problem), {})
            variants = cases.setdefault(c.case, [])
            variants += [c.variant] if c.variant not in ("*", *variants) else []
    found: list[RenderableType] = []
    for (observed, verdict, problem), cases in groups.items():
        title = Text.assemble((observed, "bold"), ": ", (verdict.word, STYLES[verdict]))
        where = [("in", f"{case} {blocks.names(variants, False)}".rstrip())
                 for case, variants in cases.items()]
        found.append(blocks.block(title, [*where, ("says", Text(problem))]))
    return found


def _rows(comparisons: Iterable[Comparison]) -> list[RenderableType]:
    """Return every verdict: per case and environment, variants with the same ones together."""
    rows: dict[tuple[str, str], dict[str, dict[str, Comparison]]] = defaultdict(
        lambda: defaultdict(dict))
    for c in comparisons:
        rows[c.case, c.observed][c.variant][c.against] = c
    found: list[RenderableType] = []
    for (case, observed), variants in rows.items():
        alike: dict[object, list[dict[str, Comparison]]] = defaultdict(list)
        for row in variants.values():
            cells = tuple((kind, c.verdict, c.is_waived, _location(c)[:2])
                          for kind, c in row.items())
            alike[cells].append(row)
        facts: list[blocks.Fact] = []
        for group in alike.values():
            facts.append(("in", ", ".join(next(iter(row.values())).variant for row in group)))
            facts += [(kind, _cell(max((row[kind] for row in group), key=lambda c: c.rank)))
                      for kind in ALL_KINDS if kind in group[0]]
        found.append(blocks.block(Text.assemble((case, "bold"), " ", (observed, "bold")), facts))
    return found


def _cell(comparison: Comparison) -> Text:
    """Return the verdict, in brackets where it is waived, and what locates it."""
    word, style = comparison.verdict.word, STYLES[comparison.verdict]
    text = Text(f"({word})", "dim") if comparison.is_waived else Text(word, style)
    against = "" if comparison.against in ("baseline", "reference") else f" {comparison.baseline}"
    located = ", ".join(filter(None, _location(comparison)))
    return text.append(f"{against}{': ' if located else ''}{located}", "default")


def _location(comparison: Comparison) -> tuple[str, str, str]:
    """Return where, in which phase and how large the worst difference is."""
    worst, cause = comparison.worst, comparison.cause
    if worst is None:
        return "", "", ""
    return worst.where, (cause and cause.phase) or "", worst.size


def _waivers(report: Report) -> Text:
    """Return why waived differences are, and which waivers match nothing any more."""
    counts = Counter(w for c in report.comparisons for w in c.waivers)
    lines = Text("\nwaived, in brackets above:" if counts else "", "bold")
    for waiver, count in counts.most_common():
        lines.append(f"\n  {count} x {waiver.environment} against {waiver.against}, "
                     f"{waiver.variant}, up to {waiver.at_most:g}: ", "dim")
        lines.append(f"{waiver.reason} ({waiver.upstream})")
    for waiver in report.unused:
        lines.append(f"\n  matches nothing any more: {waiver.environment} against "
                     f"{waiver.against}, {waiver.variant}: {waiver.reason}", "yellow")
    return lines


def _hidden(report: Report) -> Text | None:
    """Return how much --all shows beside this, if anything."""
    waivers = len({w for c in report.comparisons for w in c.waivers})
    counts = {"waivers": waivers, "waivers that match nothing any more": len(report.unused),
              "notes": len(report.notes)}
    said = [f"{name}: {count}" for name, count in counts.items() if count]
    return Text(f"with --all: {', '.join(said)}", "dim") if said else None
