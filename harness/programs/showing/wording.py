"""A judgement in words: at most twenty lines for a terminal, Markdown for a pull request.

Outside half. Names come from programs that anybody wrote; here they are cut and put on one
line, and whoever prints them escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness import markdown
from harness.compare.checks.finding import Verdict
from harness.programs.judging import phrases
from harness.programs.judging.harm import NO_LOSS
from harness.programs.judging.verdict import Cause, Judgement
from harness.words import counted

LINES, NOTES, LONGEST = 20, 4, 400
"""Lines of a terminal's answer, notes in it, and characters of a line."""
_WORDS = {
    Verdict.IDENTICAL: "both sides train the same, to the bit",
    Verdict.EQUIVALENT: "both sides train the same, within what rounding does to this program",
}


def terminal(judgement: Judgement, sides: tuple[str, str] = ("observed", "baseline"),
             more: Sequence[str] = (), commands: Sequence[str] = ()) -> list[str]:
    """Return the answer for a terminal, the most important line first.

    Args:
        sides: what to call the observed side and the baseline.
        more: lines on the sides, such as the packages that differ, or what whole tensors tell.
        commands: what to type next; they stand last and are never left out.
    """
    if judgement.problem is not None:
        return _cut([f"{judgement.verdict.word}: {part}" if not i else part for i, part in
                     enumerate(str(judgement.problem).splitlines())], commands)
    lines = [f"{judgement.verdict.word}: {sides[0]} against {sides[1]}", *_answer(judgement)]
    lines += [f"  {line}" for line in more]
    lines += [f"  note: {note}" for note in _few(judgement.notes)]
    return _cut(lines, commands)


def _answer(judgement: Judgement) -> list[str]:
    first = judgement.first
    if first is None:
        return [f"  {same(judgement)} ({_compared(judgement)})",
                *(f"  {cause.sentence}" for cause in judgement.causes)]
    lines = [f"  {part}" for part in _parts(sentence(judgement, first))]
    lines += [f"  {following(first)}"] if first.following else []
    for cause in judgement.causes:
        if cause is not first:
            lines.append(f"  also: {cause.sentence}" if cause.verdict.is_difference
                         else f"  {cause.sentence}")
    if judgement.needs_weights:
        lines.append("  what follows is not judged: the sides begin with other weights")
    return lines


def same(judgement: Judgement) -> str:
    """Return how sure it is that both sides train the same, of a judgement that says so."""
    if judgement.chance and not judgement.is_identical:
        return ("the sides differ by no more than chance does: an unchanged run of the baseline is "
                f"{phrases.percent(judgement.chance)} off; with seeds set more can be told")
    return _WORDS[judgement.verdict]


def sentence(judgement: Judgement, cause: Cause) -> str:
    """Return a cause with what becomes of the training."""
    outcome = judgement.outcome
    if outcome is None or judgement.needs_weights:
        return cause.sentence
    if cause.channel == "initialisation":
        return f"{cause.sentence}; from the baseline's weights {outcome.sentence}"
    is_told = cause.following and outcome.sentence != NO_LOSS \
        and cause.channel not in ("evaluation", "reported")  # these reach nothing
    return f"{cause.sentence}{', from there' if is_told else ';'} {outcome.sentence}"


def _parts(text: str) -> list[str]:
    """Return a sentence too long for a line as two: what is off, and what figures become."""
    if len(text) <= LONGEST - len("  "):
        return [text]
    head, mark, tail = text.partition("; `")
    return [head, f"at the end {mark[2:]}{tail}"] if mark else [text]


def following(cause: Cause) -> str:
    """Return how much follows from a cause: ``what follows is off as well: 3 tensors forward``."""
    parts = [f"{channel} {number}" for channel, number in cause.following.items()]
    return f"what follows is off as well, tensors by channel: {', '.join(parts)}"


def _compared(judgement: Judgement) -> str:
    return f"{counted(judgement.compared, 'event')} of {counted(judgement.updates[1], 'update')}"


def _few(notes: Sequence[str]) -> list[str]:
    more = len(notes) - NOTES
    return [*notes[:NOTES], *([f"{more} more are in the report"] if more > 0 else [])]


def _cut(lines: Sequence[str], commands: Sequence[str]) -> list[str]:
    """Return at most as many lines as an answer has, each on one line."""
    last = [f"  next: {command}" for command in commands]
    room = LINES - len(last)
    kept = list(lines) if len(lines) <= room else \
        [*lines[:room - 1], f"  {len(lines) - room + 1} more lines are in the report"]
    return [_short(line) for line in [*kept, *last]]


def _short(line: str) -> str:
    indent = line[:len(line) - len(line.lstrip(" "))]
    flat = indent + " ".join(line.split())
    return flat if len(flat) <= LONGEST else flat[:LONGEST - 3] + "..."


def pull_request(judgement: Judgement, program: str,
                 sides: tuple[str, str] = ("observed", "baseline"),
                 packages: Mapping[str, tuple[str, str]] | None = None,
                 captured: Sequence[str] = ()) -> str:
    """Return the verdict in Markdown, for the comment on a pull request.

    Args:
        program: its words.
        packages: versions on the observed and the baseline side of those that differ.
        captured: lines on what the captured step tells.
    """
    word = judgement.verdict.word
    lines = [f"### Training: {word}", "", f"{markdown.cell(program)}, "
             f"{markdown.cell(sides[0])} against {markdown.cell(sides[1])}", ""]
    if judgement.problem is not None:
        return "\n".join([*lines, markdown.block(judgement.problem), ""])
    lines += [f"- {markdown.line(line.strip())}" for line in (*_answer(judgement), *captured)]
    if packages:
        lines += ["", "| package | observed | baseline |", "|---|---|---|"]
        lines += [f"| {markdown.cell(name)} | {markdown.cell(mine)} | {markdown.cell(theirs)} |"
                  for name, (mine, theirs) in list(packages.items())[:LINES]]
    if judgement.notes:
        lines += ["", f"<details><summary>Notes: {len(judgement.notes)}</summary>", ""]
        lines += [f"- {markdown.line(note)}" for note in judgement.notes[:LINES]]
        lines += ["", "</details>"]
    return "\n".join([*lines, ""])
