"""Foreign text is obeyed by no terminal, and by no CI system."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import escaping
from harness.commands.tables import terminal

HOSTILE = "a\x1b[2J\x1b]0;title\x07b\r\n::error file=x::y\n  ::add-mask::e\n##[error]z\u202e\x9b1A"


@pytest.mark.parametrize(("escape", "kept"), [
    (escaping.visible, "\n::error"), (escaping.terminal, "\n::error"),
    (escaping.log, "\n: :error")])
def test_nothing_foreign_is_obeyed(escape: Callable[[str], str], kept: str) -> None:
    """Control characters are spelled out; in a CI system's log no line is a command."""
    shown = escape(HOSTILE)
    assert not {"\x1b", "\x07", "\r", "\u202e", "\x9b"} & set(shown)
    assert kept in shown and "[U+001B][2J" in shown
    if escape is escaping.log:
        assert "  : :add-mask" in shown and "## [error]" in shown
        assert escaping.log("loss 0.5 :: fine # [x]") == "loss 0.5 :: fine # [x]"


def test_a_table_obeys_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """What Rich shows is escaped as well, with its styles or without."""
    from rich.text import Text

    terminal.show(Text(HOSTILE))
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "\n::" not in shown and ": :error" in shown


def test_a_terminal_has_styles_and_no_foreign_sequence(monkeypatch: pytest.MonkeyPatch,
                                                       capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is a terminal only Rich's own sequences reach it."""
    from rich.text import Text

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    terminal.show(Text(HOSTILE, "bold red"))
    shown = capsys.readouterr().out
    assert "\x1b[2J" not in shown and "\x1b]0" not in shown and "[U+001B][2J" in shown


def test_an_ascii_locale_can_be_told_anything(tmp_path: Path) -> None:
    """What it cannot show is spelled out, and is no traceback."""
    with (tmp_path / "x").open("w", encoding="ascii") as stream:
        escaping.say("≈ \ud800", stream)
    assert (tmp_path / "x").read_text() == "\\u2248 [U+D800]\n"
