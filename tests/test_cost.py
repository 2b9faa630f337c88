"""What the harness costs, as a range over trainings and environments."""

from __future__ import annotations

from typing import Any

from tests.benchmark import cost


def figures(environment: str, ratios: list[float], memory: float) -> dict[str, Any]:
    """Return what the trainings of one environment gave."""
    return {"environment": environment, "variants": [{"ratio": ratio} for ratio in ratios],
            "peak_kib": {"harness": 1000 * memory, "bare": 1000}, "import_seconds": 1.0}


def test_the_cost_is_a_range() -> None:
    """From the cheapest environment to the dearest: medians, 90th percentiles, memory."""
    rows = [cost.row(figures("a", [1.0 + place / 100 for place in range(10)], 1.03)),
            cost.row(figures("b", [1.2] * 3, 1.01))]
    said = cost.span(rows)
    assert "4.5 to 20.0 % of the training time" in said
    assert "13 trainings; 90th percentiles 8.0 to 20.0 %" in said
    assert "1.0 to 3.0 % of the memory" in said
