"""What a record must have been measured on, so that it can be compared at all.

Outside half. Other data, weights or steps are an error, never a difference in training.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.errors import RecordError
from harness.records.project import Project
from harness.records.record import VariantRecord
from harness.store.reading import soundness
from harness.vocabulary.case import Case, Variant


@dataclass(frozen=True)
class Expected:
    """What every record of a case must have been measured on.

    Args:
        data: SHA-256 of the data.
        variants: by name.
        weights: SHA-256 of the initial weights, by name.
        steps: of every trajectory.
        sound: name and key of the variants that were checked.
    """

    project: Project
    case: Case
    data: str
    variants: dict[str, Variant]
    weights: dict[str, str]
    steps: int
    sound: set[tuple[str, str]] = field(default_factory=set, compare=False)

    @staticmethod
    def of(project: Project, name: str) -> Expected:
        """Return a case's inputs as they are now."""
        case = project.case(name)
        variants = {variant.name: variant for variant in case.variants}
        weights = {name: project.sha256(variant.weights) for name, variant in variants.items()}
        return Expected(project, case, project.sha256(case.data), variants, weights,
                        project.batches(case).steps)

    def check(self, name: str, variant: VariantRecord, where: str) -> None:
        """Check a variant's weights, its number of steps, and whether its numbers can be true.

        Raises:
            RecordError: it has another number of steps, or cannot be true.
            InputMismatchError: it was measured from other weights.
        """
        if variant.key is not None and (name, variant.key) in self.sound:
            return
        if variant.weights_sha256 != self.weights[name]:
            self.project.check_weights(self.variants[name], variant.weights_sha256, where)
        for precision, trajectory in variant.trajectories.items():
            if len(trajectory.loss) != self.steps:
                raise RecordError(f"{name} {precision} has another number of steps than the case",
                                  where, f"{len(trajectory.loss)} against {self.steps}")
        soundness.check(self.case, self.variants[name], self.steps, variant, f"{where}, {name}")
        if variant.key is not None:
            self.sound.add((name, variant.key))
