"""What a session found, and in which words and forms it is told.

Outside half.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.files import write_text
from harness.programs.judging.verdict import Judgement
from harness.programs.runs.launching import Side
from harness.programs.showing import encoding, facts, wording
from harness.programs.showing.capture import Whole
from harness.programs.sides.asked import Difference, describe
from harness.programs.sides.requirements import shown, without_secrets
from harness.programs.traces.trace import Trace


@dataclass(frozen=True)
class Tried:
    """What a session found.

    Args:
        program: its words.
        judgement: of the observed side against the baseline side.
        whole: what the tensors of the first difference show; None where none were kept.
        differences: between the sides.
        notes: of the runs and the environments.
        runs: seconds of each, by name, in the order in which they were begun.
        traces: of the same runs.
        operator: which one is the first that differs, in words; empty if that is not known.
    """

    program: tuple[str, ...]
    baseline: Side
    observed: Side
    judgement: Judgement
    whole: Whole | None
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    runs: Mapping[str, float]
    traces: Mapping[str, Trace]
    operator: str = ""

    @property
    def titles(self) -> tuple[str, str]:
        """What to call the observed side and the baseline: by the one package that was named."""
        asked = [one for one in self.differences if one.is_named]
        if len(asked) == 1 and asked[0].kind == "package" and asked[0].observed \
                and asked[0].baseline:
            observed, baseline = shown([asked[0].observed, asked[0].baseline])
            return f"{asked[0].name} {observed}", f"{asked[0].name} {baseline}"
        return "observed", "baseline"

    def lines(self, commands: Sequence[str]) -> list[str]:
        """Return it for a terminal.

        Args:
            commands: what to type next.
        """
        more = [*self._captured(), f"between the sides: {describe(list(self.differences))}"]
        judgement = dataclasses.replace(
            self.judgement, notes=(*self.judgement.notes, *self.notes))
        return wording.terminal(judgement, self.titles, more, commands)

    def _captured(self) -> list[str]:
        """Return what the captured step tells, in lines."""
        return [*([self.operator] if self.operator else []),
                *(() if self.whole is None else self.whole.lines)]

    def facts(self) -> dict[str, Any]:
        """Return what a page shows of it."""
        perturbed = [trace for name, trace in self.traces.items() if name.startswith("perturbed-")]
        observed = self.traces.get("loaded", self.traces["observed"])
        return {**facts.facts(self.judgement, observed, self.traces["baseline"], perturbed,
                              self.traces.get("repeated"), self.whole),
                "operator": self.operator,
                "between": {**sides_facts((self.baseline, self.observed), self.differences),
                            "sentence": describe(list(self.differences))}}

    def to_markdown(self) -> str:
        """Return it for the comment on a pull request."""
        packages = {one.name: (one.observed, one.baseline) for one in self.differences
                    if one.kind == "package"}
        judgement = dataclasses.replace(
            self.judgement, notes=(*self.judgement.notes, *self.notes))
        return wording.pull_request(judgement, shlex.join(self.program), self.titles, packages,
                                    self._captured())

    def to_json(self) -> str:
        """Return it as JSON: the verdict, the sides, and what was run."""
        told = {**encoding.to_json(self.judgement, self.whole), "program": list(self.program),
                "sides": sides_facts((self.baseline, self.observed), self.differences),
                "operator": self.operator,
                "session": {"notes": list(self.notes), "seconds": dict(self.runs)}}
        return json.dumps(told, indent=1, allow_nan=False) + "\n"


def sides_facts(sides: Sequence[Side], differences: Sequence[Difference]) -> dict[str, Any]:
    """Return as JSON data what sides are made of, and in what they differ."""
    told: dict[str, Any] = {
        side.name: {"python": side.environment.python,
                    "packages": dict(side.environment.packages),
                    "added": list(side.environment.hints), "variables": dict(side.variables),
                    "arguments": list(side.arguments), "directory": str(side.directory)}
        for side in sides}
    return {**told, "differences": [dataclasses.asdict(one) for one in differences]}


def keep(folder: Path, sides: Sequence[Side], differences: Sequence[Difference]) -> None:
    """Write beside the runs what both sides resolved to, and in what they differ."""
    for side in sides:
        write_text(folder / f"{side.name}.txt", without_secrets(side.environment.pins))
    write_text(folder / "sides.json",
               json.dumps(sides_facts(sides, differences), indent=1) + "\n")
