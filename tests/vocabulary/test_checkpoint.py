"""A checkpoint's name tells where a probe takes its step."""

import pytest

from harness.vocabulary.checkpoint import Checkpoint, at_step, is_name, parse, scaled


@pytest.mark.parametrize(("name", "expected"), [
    (at_step(0), Checkpoint(step=0)), (at_step(100), Checkpoint(step=100)),
    (scaled(30), Checkpoint(scale=30)), ("masked_row", Checkpoint()),
    ("one_positive", Checkpoint())])
def test_a_name_is_taken_apart(name: str, expected: Checkpoint) -> None:
    """Whatever has no step is a stress."""
    assert is_name(name)
    assert parse(name) == expected
    assert parse(name).is_stress is (expected.step is None)


@pytest.mark.parametrize("name", ["", "step_", "step_x", "step_-1", "step_1\n", "step_\u0661",
                                  "step_1000000000", "Scaled_3", "a b", "1"])
def test_what_is_no_name(name: str) -> None:
    """Nothing that begins like a step and is none, and nothing with other characters."""
    assert not is_name(name)
