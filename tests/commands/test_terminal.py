"""The terminal: its width, and tables that hold names of any length."""

from __future__ import annotations

import pytest
from rich.console import Group
from rich.table import Table
from rich.text import Text

from harness.commands.tables.terminal import WIDTH, show

NAME = "decoder_reduction_none-sgd_0.3-left_padding"


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("200", 200), ("0", WIDTH),
                                                ("wide", WIDTH), (None, WIDTH)])
def test_columns_are_obeyed_where_there_is_no_terminal(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
        columns: str | None, width: int) -> None:
    """What is no number of columns is as if it were not set."""
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    show(Text("x " * 1000))
    assert width - 2 <= max(map(len, capsys.readouterr().out.splitlines())) <= width


def test_a_table_never_cuts_a_name(monkeypatch: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    """Rather than that it is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", "40")
    table = Table("case", "variant", "reason")
    table.add_row("imbalanced_binary", NAME, "because " * 20)
    show(Group(Text("title"), table))
    text = capsys.readouterr().out
    assert NAME in text and "imbalanced_binary" in text
