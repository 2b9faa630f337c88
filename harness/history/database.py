"""The history's file: opened whole, in one transaction, and set aside when it is damaged.

Outside half. Whatever SQLite says becomes an error that names the file and what to do;
nothing is ever deleted.
"""

from __future__ import annotations

import fcntl
import functools
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from harness.errors import HarnessError, LockedError, MissingRecordError
from harness.records import provenance

FORMAT = 2
"""Version of the file's format, kept in ``PRAGMA user_version``."""
BEFORE = 1
"""The version before it, which had no builds; the next night that is kept adds them."""
PATIENCE = 60.0
"""Seconds to wait while another process writes."""
_SCHEMA = (Path(__file__).parent / "history.sql").read_text(encoding="utf-8")
_BUILDS = next(part for part in _SCHEMA.split(";") if "TABLE build" in part)
_ODD = {
    "night": """typeof(at) != 'text' OR typeof(host) != 'text' OR typeof(exit_code) != 'integer'
        OR typeof("commit") NOT IN ('text', 'null')
        OR at NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*'""",
    "measured": """typeof("case") != 'text' OR typeof(environment) != 'text'""",
    "build": "typeof(environment) != 'text' OR typeof(version) != 'text'",
    "series": """typeof("case") != 'text' OR typeof(variant) != 'text'
        OR typeof(environment) != 'text' OR typeof(name) != 'text'""",
    "figure_since": """typeof(value) NOT IN ('real', 'null') OR abs(value) > 1.7976931348623157e308
        OR (word NOT NULL AND (value NOT NULL OR word NOT IN ('NaN', 'Infinity', '-Infinity')))""",
    "verdict_since": """typeof("case") != 'text' OR typeof(variant) != 'text'
        OR typeof(environment) != 'text' OR typeof(against) != 'text'
        OR typeof(baseline) != 'text' OR typeof(phase) NOT IN ('text', 'null')
        OR typeof("check") NOT IN ('text', 'null') OR waived NOT IN (0, 1)
        OR verdict NOT IN ('identical', 'equivalent', 'drift', 'improvement', 'regression',
                           'missing', 'error')""",
}
"""By table, what no row of it can be; SQLite lets any column hold a value of any type."""
_NIGHTLY = "tox run -m nightly"
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class DamagedError(HarnessError):
    """The file is no history, one of another format, or damaged."""


@contextmanager
def opened(path: Path, writes: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the file, checked; what the block writes is kept whole, or not at all.

    Args:
        writes: create the file if need be, and let nobody else write meanwhile.

    Raises:
        MissingRecordError: there is none, and nothing is to be written.
        DamagedError: the file cannot be trusted.
        LockedError: another process has been writing for too long.
        HarnessError: the disk is full, or the file cannot be opened.
    """
    if not writes and not path.exists():
        raise _missing(path)
    if path.exists() and not path.is_file():
        raise HarnessError("the history is no regular file", str(path),
                           stat.filemode(path.stat().st_mode), f"ls -l {path.parent}")
    address = f"{path.absolute().as_uri()}?mode={'rwc' if writes else 'rw'}"
    try:
        with closing(sqlite3.connect(address, PATIENCE, isolation_level=None,
                                     uri=True)) as database:
            database.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            _check(database, path, writes)
            yield database
            database.execute("COMMIT")
    except sqlite3.Error as error:
        raise _said(error, path) from None
    except UnicodeDecodeError as error:
        raise _damaged(path, f"a text that is none: {error}") from None


def set_aside(path: Path) -> Path | None:
    """Rename a damaged file; return its new name, or None if another process has done so."""
    with path.with_name(f"{path.name}.lock").open("w", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            with opened(path, writes=True):
                return None
        except DamagedError:
            target = path.with_name(f"{path.name}.damaged-{provenance.now()}")
            while target.exists():
                target = target.with_name(f"{target.name}+")
            path.rename(target)
            return target


def _check(database: sqlite3.Connection, path: Path, creates: bool) -> None:
    """Refuse what is no sound history; write the schema into an empty file."""
    version = database.execute("PRAGMA user_version").fetchone()[0]
    is_empty = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version == 0 and is_empty:
        if not creates:
            raise _missing(path)
        for statement in _SCHEMA.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {FORMAT}")
    elif version == BEFORE:
        if creates:
            database.execute(_BUILDS)
            database.execute(f"PRAGMA user_version = {FORMAT}")
    elif version != FORMAT:
        raise _damaged(path, f"format {version}, this harness reads {FORMAT}")
    found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise _damaged(path, found)
    is_before = version == BEFORE and not creates
    if _declared(database) != _expected(_SCHEMA.replace(_BUILDS, "") if is_before else _SCHEMA):
        raise _damaged(path, "its tables and views are not those of a history")
    if database.execute("PRAGMA foreign_key_check").fetchone():
        raise _damaged(path, "a row of a night that is not there")
    for table, condition in _ODD.items():
        if is_before and table == "build":
            continue
        if row := database.execute(f"SELECT * FROM {table} WHERE {condition} LIMIT 1").fetchone():
            raise _damaged(path, f"a row of {table} that cannot be: {str(row)[:200]}")


def _declared(database: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """Return kind, name and declaration of everything in the file."""
    return set(database.execute("SELECT type, name, sql FROM sqlite_master WHERE sql NOT NULL"))


@functools.cache
def _expected(schema: str) -> set[tuple[str, str, str]]:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(schema)
        return _declared(database)


def _said(error: sqlite3.Error, path: Path) -> HarnessError:
    """Return the error for what SQLite says."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is detail
    if code in _DAMAGE:
        return _damaged(path, str(error))
    if code in _BUSY:
        return LockedError("another process is writing the history", str(path),
                           f"waited {PATIENCE:g} s", "wait for it to end")
    if code == sqlite3.SQLITE_FULL:
        return HarnessError("the disk is full, the night is not kept", str(path), str(error),
                            f"free some space, then {_NIGHTLY}")
    return HarnessError("the history cannot be read or written", str(path), str(error),
                        f"ls -l {path.parent}")


def _damaged(path: Path, found: str) -> DamagedError:
    return DamagedError("the history is damaged, or no history", str(path), found,
                        f"{_NIGHTLY} sets it aside and begins a new one")


def _missing(path: Path) -> MissingRecordError:
    return MissingRecordError("no night has been kept yet", str(path), next_command=_NIGHTLY)
