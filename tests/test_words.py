"""Numbers and lists in sentences."""

from __future__ import annotations

import math

import pytest

from harness import words


@pytest.mark.parametrize(("texts", "expected"), [
    ([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")])
def test_few_names_and_the_number_of_the_others(texts: list[str], expected: str) -> None:
    """Every list that is cut says how much it leaves out, in the same words."""
    assert words.few(texts, 2) == expected


@pytest.mark.parametrize("word", words.NOT_FINITE)
def test_what_is_not_finite_has_a_word(word: str) -> None:
    """The word of a number is the one that stands for it; everything else stays."""
    assert words.number(words.NOT_FINITE[word]) == word
    assert [words.number(value) for value in (1.5, 3, None, "x")] == [1.5, 3, None, "x"]
    assert math.isnan(words.NOT_FINITE["NaN"])


def test_names_are_asked_for_by_patterns() -> None:
    """A shell pattern, whose case counts; none asks for nothing."""
    assert words.is_asked("bce_logits-sgd", ["mse*", "*-sgd"])
    assert not words.is_asked("bce_logits-sgd", ["*-SGD"])
    assert not words.is_asked("bce_logits-sgd", [])
