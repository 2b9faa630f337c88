"""The history's file: what no night wrote into it is not believed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.history.database import DamagedError
from harness.history.history import Figure, Night, Side, Told, append, load


@pytest.mark.parametrize("statement", [
    "UPDATE night SET at = 5", "UPDATE night SET outcome = 5", "UPDATE night SET host = x'00ff'",
    "UPDATE night SET at = 'yesterday'", "UPDATE measured SET night = 99",
    "UPDATE build SET version = x'00ff'", "DROP TABLE build",
    "UPDATE figure_since SET word = 'nan'", "UPDATE figure_since SET value = 'abc', word = NULL",
    "UPDATE figure_since SET value = 9e999", "UPDATE verdict_since SET verdict = 'fine'",
    "UPDATE verdict_since SET waived = 'abc'", "DELETE FROM night", "DROP TABLE verdict_since",
    "DROP VIEW figure", "CREATE TRIGGER t AFTER INSERT ON night BEGIN DELETE FROM measured; END",
    "ALTER TABLE night ADD COLUMN odd"])
def test_a_sound_file_with_odd_content_is_damaged(tmp_path: Path, statement: str) -> None:
    """SQLite keeps anything in any column; what no night wrote is not believed."""
    path = tmp_path / "history.sqlite"
    append(path, Night("2026-11-20T00:00:00Z", "silent", 0, "host", None,
                       {Figure("xor", "*", "torch-2.13.0", "seconds"): 1.0},
                       {Side("xor", "v", "torch-2.13.0", "baseline", "torch-2.13.0"):
                        Told("drift", False, None, None)}, {"keras-nightly": "3.16"}))
    with contextlib.closing(sqlite3.connect(path)) as database, \
            contextlib.suppress(sqlite3.IntegrityError):
        database.execute("PRAGMA ignore_check_constraints = 1")
        database.execute(statement)
        database.commit()
    with pytest.raises(DamagedError):
        load(path, "xor")


def test_a_declaration_that_is_no_text_is_damage(tmp_path: Path) -> None:
    """Bytes of the file's own schema that are no UTF-8 are named, and no traceback."""
    path = tmp_path / "history.sqlite"
    append(path, Night("2026-11-20T00:00:00Z", "silent", 0, "host"))
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE night", b"CREATE TABLE n\xc3ght"))
    with pytest.raises(DamagedError):
        load(path, "xor")


@pytest.mark.parametrize("make", [
    os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.mkdir()])
def test_what_is_no_regular_file_is_no_history(tmp_path: Path,
                                               make: Callable[[Path], object]) -> None:
    """A pipe does not block, and nothing is written into a device."""
    path = tmp_path / "history.sqlite"
    make(path)
    for use in (lambda: load(path, "xor"),
                lambda: append(path, Night("2026-11-20T00:00:00Z", "silent", 0, "host"))):
        with pytest.raises(HarnessError, match="no regular file"):
            use()
