"""What a run tells while it goes on: lines of what is done, a bar with the time left.

Inside half: standard library and tqdm. The bar is drawn on a terminal only.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tqdm import tqdm

from harness.escaping import log
from harness.measure.supervisor import Work
from harness.records.project import Project, select_variants
from harness.vocabulary.case import PRECISIONS


class Progress:
    """Shows the events of a run: every training one unit of the bar."""

    def __init__(self, project: Project, environment: str, pieces: list[Work]) -> None:
        self.environment = environment
        self.probing: Counter[str] = Counter()
        self.error: OSError | None = None
        self.bar = tqdm(total=sum(_trainings(project, work) for work in pieces), unit="training",
                        desc=environment, leave=False, disable=None, dynamic_ncols=True)

    def __call__(self, event: dict[str, Any]) -> None:
        """Take in an event; where nobody can be told any more, remember why."""
        try:
            self._tell(event)
        except OSError as error:
            self.error = self.error or error

    def close(self) -> None:
        """Take the bar away.

        Raises:
            OSError: not everything could be told.
        """
        if self.error is not None:
            raise self.error
        self.bar.close()

    def _tell(self, event: dict[str, Any]) -> None:
        if event["event"] == "training":
            self.bar.update()
        if event["event"] == "probed":
            self.probing[event["case"]] += event["seconds"]
        if event["event"] in ("imported", "recorded"):
            spent = self.probing.pop(event.get("case", ""), 0)
            probes = f", probes {spent:.1f} s of it" if spent else ""
            told = f"{self.environment}  {_told(event)} in {event['seconds']:.1f} s{probes}"
            tqdm.write(log(told))
        if event.get("apart"):
            tqdm.write(log(f"{self.environment}  {event['case']}: {event['apart']}"))


def _trainings(project: Project, work: Work) -> int:
    if work.seed is not None:
        return 1
    known, _ = project.sound([work.case])  # the worker says why a case does not load
    return sum(len(select_variants(case, list(work.variants))) for case in known) * len(PRECISIONS)


def _told(event: dict[str, Any]) -> str:
    """Return in words what a worker has done."""
    if event["event"] == "imported":
        return "imported"
    case = event["case"] + (f" under {event['fault']}" if event["fault"] else "")
    if "native" in event:
        run = event["native"]
        return (f"{case}: {event['variant']} seed {run['seed']} "
                f"{'trained' if run['trained'] else 'did not train'}")
    reasons = Counter(event["unsupported"].values())
    extra = "".join(f", {count} unsupported ({reason})" for reason, count in reasons.items())
    extra += f", {event['errors']} with errors" if event["errors"] else ""
    return f"{case}: {event['variants']} variants{extra}"
