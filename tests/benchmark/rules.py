"""The alternatives: rules by which other projects decide that training has changed.

A rule looks at two float32 training runs, observed and baseline, and alarms or not. Each
is as its source has it, defaults included, applied to the loss of every step; where a
source leaves a choice, the more lenient reading is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.records.record import Trajectory

Curve = Sequence[float]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """One alternative.

    Args:
        short: name for a column.
        loss: (observed, baseline) losses of all steps -> whether it alarms.
        gradient: the same of the global gradient norms, for a rule that looks at them.
    """

    name: str
    short: str
    loss: Callable[[Array, Array], bool]
    gradient: Callable[[Array, Array], bool] | None = None

    def alarms(self, observed: Trajectory, baseline: Trajectory) -> bool:
        """Return whether the rule sees a difference between two runs."""
        seen = _differs(self.loss, observed.loss, baseline.loss)
        if self.gradient and observed.gradient_norm and baseline.gradient_norm:
            seen |= _differs(self.gradient, observed.gradient_norm, baseline.gradient_norm)
        return seen


def megatron(observed: Array, baseline: Array) -> bool:
    """Alarm if any sampled loss is another number at 5 decimals: the default.

    The losses of step 1 and of every fifth step, counted from 1, rounded to 5 decimals. NaN is
    off, on both sides as well.

    Source: NVIDIA/Megatron-LM, tests/functional_tests/python_test_utils: ``common.py``,
    ``DeterministicTest`` (rtol and atol 0), ``pipeline`` and ``read_tb_logs_as_list``;
    ``test_pretraining_regular_pipeline.py``, the tests of "lm loss", of which both must pass
    unless a run is marked as one to compare approximately; what passes this one passes the other.
    """
    observed, baseline = _sampled(observed), _sampled(baseline)
    return not np.isclose(observed, baseline, rtol=0, atol=0).all()


def megatron_approximate(observed: Array, baseline: Array) -> bool:
    """Alarm if more than 1 % of the sampled losses, at least one, are more than 5 % off.

    The samples are those of ``megatron``. Up to max(samples // 100, 1) may be off, none if there
    is but one sample.

    Source: as ``megatron``; ``ApproximateTest(atol=0, rtol=0.05)``, which is left of a run that
    is marked as not deterministic. Before 2026 ``pipeline`` let a run pass in which as little
    as 1 % of the samples was right; this is the stricter rule since.
    """
    observed, baseline = _sampled(observed), _sampled(baseline)
    close = np.isclose(observed, baseline, rtol=0.05, atol=0)
    samples = len(baseline)
    allowed = 0 if samples == 1 else min(max(samples // 100, 1), 50)
    return bool((~close).sum() > allowed)


def trl(observed: Array, baseline: Array) -> bool:
    """Alarm if max |d| > 1e-3 or |mean d| > 1e-5, d the difference of the losses.

    As written TRL's comparisons let NaN pass; here NaN on one side alone alarms.

    Source: huggingface/trl, tests/invariant/test_invariant.py, ``compare_scalars`` and the
    tolerances of class "sft".
    """
    return _drifts(observed, baseline, largest=1e-3, mean=1e-5)


def trl_gradient(observed: Array, baseline: Array) -> bool:
    """Alarm if max |d| > 0.1 or |mean d| > 1e-3, d the difference of the gradient norms.

    Source: huggingface/trl, tests/invariant/test_invariant.py of 2026-07, ``compare_scalars``:
    ``tol`` and ``residual_tol`` of "grad_norm" in class "sft". It looks at both curves; before,
    both had one tolerance.
    """
    return _drifts(observed, baseline, largest=1e-1, mean=1e-3)


def assert_close(observed: Array, baseline: Array) -> bool:
    """Alarm if any |d| > 1e-5 + 1.3e-6 |baseline|; NaN is never close.

    Source: ``torch.testing.assert_close``, defaults for float32.
    """
    return not np.isclose(observed, baseline, rtol=1.3e-6, atol=1e-5).all()


def allclose(observed: Array, baseline: Array) -> bool:
    """Alarm if the last |d| > 1e-8 + 1e-5 |baseline|; NaN is never close.

    Source: ``numpy.allclose``, defaults.
    """
    return not np.allclose(observed[-1:], baseline[-1:])


def num_regression(observed: Array, baseline: Array) -> bool:
    """Alarm if any |d| > 1e-8 + 1e-5 |baseline|; NaN on both sides is equal.

    Source: ESSS/pytest-regressions, ``dataframe_regression.py``, ``_check_fn``: defaults of
    ``numpy.isclose`` with ``equal_nan``.
    """
    return not np.isclose(observed, baseline, equal_nan=True).all()


RULES = (
    Rule("Megatron-LM, sampled losses at 5 decimals", "Megatron-LM", megatron),
    Rule("Megatron-LM, 5 % of sampled losses", "Megatron 5 %", megatron_approximate),
    Rule("TRL, losses", "TRL", trl),
    Rule("TRL, losses and gradient norms", "TRL norms", trl, trl_gradient),
    Rule("torch.testing.assert_close, losses", "assert_close", assert_close),
    Rule("numpy.allclose, final loss", "allclose", allclose),
    Rule("pytest-regressions num_regression, losses", "num_regression", num_regression),
)


def _differs(alarms: Callable[[Array, Array], bool], observed: Curve, baseline: Curve) -> bool:
    """Return whether a rule alarms; it does if a curve has another length."""
    if len(observed) != len(baseline):
        return True
    with np.errstate(invalid="ignore"):  # inf - inf
        return alarms(np.asarray(observed, np.float32).astype(np.float64),
                      np.asarray(baseline, np.float32).astype(np.float64))


def _sampled(losses: Array) -> Array:
    """Return what Megatron-LM keeps of a curve: every fifth loss, at 5 decimals."""
    return np.asarray([loss for i, loss in enumerate(losses.round(5)) if i == 0 or not (i + 1) % 5])


def _drifts(observed: Array, baseline: Array, largest: float, mean: float) -> bool:
    if (np.isnan(observed) != np.isnan(baseline)).any():
        return True
    differences = observed - baseline
    # NaN compares false, as in the source
    return bool(np.abs(differences).max() > largest or abs(differences.mean()) > mean)
