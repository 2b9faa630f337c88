"""The history: every night's verdicts and key figures, in one file that anything can query.

Outside half. The file is an SQLite database: in Python's standard library, one file that
every language and many tools read, written in transactions, so that a night is there whole
or not at all, and two that end at once are both kept. ``PRAGMA user_version`` is the version
of its format (``harness.history.database`` opens it). Its tables, as ``history.sql`` declares them:

- ``night``: ``id``, ``at``, ``commit``, ``host``, ``outcome``, ``exit_code``.
- ``measured``: the ``case`` and ``environment`` pairs that a night tells of.
- ``build``: the ``version`` of every pre-release build that a night measured.
- ``series``: what a figure is of: ``case``, ``variant``, ``environment``, ``name``.
- ``figure_since``: a ``value`` that holds from its night on in every night that measured the
  case and environment on the same host, until the next row of the series on that host. A
  value that is not finite, which SQLite cannot keep, is a ``word``; where both are NULL,
  there was no such figure any more.
- ``verdict_since``: a verdict, likewise but on any host, NULL where it was no longer given.

The views ``figure`` and ``verdict`` have one row for every night. Numbers are mostly the same
to the bit for months, so only what changed is stored: 365 nights of 15 environments and 52
variants, 7860 figures and 2340 verdicts a night, take 3 MB; whole nights would
take 60 MB for the figures alone.
"""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from harness.errors import MissingRecordError, UsageError
from harness.history.database import DamagedError, opened, set_aside
from harness.history.night import Figure, Night, Side, Told
from harness.records.paths import Paths
from harness.words import NOT_FINITE, number

__all__ = ["Figure", "History", "Night", "Series", "Side", "Told", "append", "cases", "load",
           "path_of", "repeat"]


@dataclass(frozen=True)
class Series:
    """One figure over the nights in which it was measured.

    Args:
        nights: indices into the history's nights, ascending, shape (nights,).
        values: finite or not, shape (nights,).
    """

    figure: Figure
    nights: list[int]
    values: list[float]


@dataclass(frozen=True)
class History:
    """What is known of one case.

    Args:
        nights: all that were kept, oldest first, without figures and verdicts.
        series: one for each figure.
        verdicts: the last of each comparison.
    """

    nights: list[Night]
    series: list[Series]
    verdicts: dict[Side, Told]


def path_of(paths: Paths) -> Path:
    """Return where a project's history lies; git ignores it."""
    return paths.root / "results" / "history.sqlite"


def append(path: Path, night: Night) -> str:
    """Keep a night; return a note if a damaged file was set aside for it, or nothing.

    Raises:
        UsageError: a night of that time is there already.
        LockedError: another process has been writing for a minute.
        HarnessError: the disk is full, or the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _append(path, night)
        return ""
    except DamagedError as error:
        kept = set_aside(path)
        _append(path, night)
        if kept is None:
            return ""
        return f"{error.what}: {error.numbers}; it is kept as {kept.name}, and a new one begins"


def repeat(path: Path, at: str, commit: str | None) -> None:
    """Keep a night that is the last one again: the same environments, figures and verdicts.

    Raises:
        MissingRecordError: there is no night yet.
        HarnessError: the file cannot be trusted, or written.
    """
    with opened(path, writes=True) as database:
        row = database.execute("SELECT max(id), host, outcome, exit_code FROM night").fetchone()
        if row[0] is None:
            raise MissingRecordError("no night to repeat", str(path),
                                     next_command="tox run -m nightly")
        number = _insert(database, path, (at, commit, *row[1:]))
        database.execute('INSERT INTO measured SELECT ?, "case", environment FROM measured '
                         "WHERE night = ?", (number, row[0]))
        database.execute("INSERT INTO build SELECT ?, environment, version FROM build "
                         "WHERE night = ?", (number, row[0]))


def last_build(path: Path, environment: str, day: str) -> tuple[str, str] | None:
    """Return when a pre-release build was measured last on another day, and its version.

    Args:
        day: YYYY-MM-DD in UTC; what is measured twice on one day may be the same build.

    Raises:
        HarnessError: the file cannot be read, or cannot be trusted.
    """
    with opened(path) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'build'").fetchone():
            return None
        row = database.execute(
            "SELECT at, version FROM build JOIN night ON id = night WHERE environment = ? "
            "AND substr(at, 1, 10) <> ? ORDER BY id DESC LIMIT 1", (environment, day)).fetchone()
        return None if row is None else (str(row[0]), str(row[1]))


def load(path: Path, case: str) -> History:
    """Return the history of one case.

    Raises:
        MissingRecordError: there is none yet, or no night measured the case.
        DamagedError: the file cannot be trusted.
    """
    with opened(path) as database:
        rows = database.execute(
            'SELECT id, at, outcome, exit_code, host, "commit" FROM night ORDER BY id').fetchall()
        nights = [Night(*row[1:]) for row in rows]
        places = {row[0]: place for place, row in enumerate(rows)}
        measured = defaultdict(list)
        for environment, number in database.execute(
                'SELECT environment, night FROM measured WHERE "case" = ? ORDER BY night', (case,)):
            measured[environment].append(places[number])
        changes: dict[Figure, dict[int, float | None]] = defaultdict(dict)
        for *key, number, value, word in database.execute(
                'SELECT variant, environment, name, night, value, word FROM series JOIN '
                'figure_since ON series.id = series WHERE "case" = ? ORDER BY series', (case,)):
            changes[Figure(case, *key)][places[number]] = _number(value, word)
        verdicts = {Side(case, *row[:4]): Told(row[4], bool(row[5]), *row[6:8])
                    for row in database.execute(_LAST_VERDICTS, (case,)) if row[4] is not None}
    if not measured:
        raise MissingRecordError("no night has measured this case", case,
                                 next_command="tox run -m nightly")
    series = [_series(figure, since, measured[figure.environment], nights)
              for figure, since in changes.items()]
    return History(nights, [s for s in series if s.nights], verdicts)


def cases(path: Path) -> list[str]:
    """Return the cases that some night measured."""
    with opened(path) as database:
        return [row[0] for row in database.execute(
            'SELECT DISTINCT "case" FROM measured ORDER BY 1')]


_LAST_VERDICTS = """
SELECT variant, environment, against, baseline, verdict, waived, phase, "check", max(night)
FROM verdict_since WHERE "case" = ? GROUP BY variant, environment, against, baseline"""
_LAST_FIGURES = """
SELECT series, value, word, max(night)
FROM figure_since JOIN night ON id = night WHERE host = ? GROUP BY series"""


def _append(path: Path, night: Night) -> None:
    with opened(path, writes=True) as database:
        number = _insert(database, path, (night.at, night.commit, night.host, night.outcome,
                                          night.exit_code))
        database.executemany("INSERT INTO measured VALUES (?, ?, ?)",
                               [(number, *pair) for pair in sorted(night.measured)])
        database.executemany("INSERT INTO build VALUES (?, ?, ?)",
                             [(number, *pair) for pair in sorted(night.builds.items())])
        _append_figures(database, number, night)
        _append_verdicts(database, number, night)


def _insert(database: sqlite3.Connection, path: Path, row: tuple[object, ...]) -> int | None:
    """Write a night's own row; return its number."""
    try:
        return database.execute(
            'INSERT INTO night (at, "commit", host, outcome, exit_code) VALUES (?, ?, ?, ?, ?)',
            row).lastrowid
    except sqlite3.IntegrityError as error:
        if "UNIQUE" not in str(error):
            raise
        raise UsageError("this night is in the history already", str(path), str(row[0]),
                         "harness history CASE") from None


def _append_figures(database: sqlite3.Connection, number: int | None, night: Night) -> None:
    """Write the figures that are new, have changed or are no longer there."""
    ids = {Figure(*row[1:]): row[0] for row in database.execute(
        'SELECT id, "case", variant, environment, name FROM series')}
    last = {row[0]: row[1:3] for row in database.execute(_LAST_FIGURES, (night.host,))}
    gone = {figure for figure, series in ids.items() if series in last
            and figure not in night.figures and (figure.case, figure.environment) in night.measured}
    now = {figure: _cells(value) for figure, value in night.figures.items()}
    for figure, cells in sorted({**now, **dict.fromkeys(gone, (None, None))}.items()):
        if figure in ids and last.get(ids[figure]) == cells:
            continue
        if figure not in ids:
            ids[figure] = database.execute(
                'INSERT INTO series ("case", variant, environment, name) VALUES (?, ?, ?, ?)',
                figure).lastrowid
        database.execute("INSERT INTO figure_since VALUES (?, ?, ?, ?)",
                           (ids[figure], number, *cells))


def _append_verdicts(database: sqlite3.Connection, number: int | None, night: Night) -> None:
    """Write the verdicts that are new, have changed or are no longer given."""
    last = {Side(*row[:5]): row[5:9] for row in database.execute(
        _LAST_VERDICTS.replace("variant,", '"case", variant,').replace('WHERE "case" = ?', ""))}
    gone = {side for side in last if side not in night.verdicts
            and (side.case, side.environment) in night.measured}
    now = {**{side: tuple(told) for side, told in night.verdicts.items()},
           **dict.fromkeys(gone, (None, None, None, None))}
    database.executemany(f"INSERT INTO verdict_since VALUES ({', '.join('?' * 10)})", [
        (number, *side, *now[side]) for side in sorted(now) if last.get(side) != now[side]])


def _series(figure: Figure, changes: dict[int, float | None], measured: list[int],
            nights: list[Night]) -> Series:
    """Return the value that holds on its host in each night that measured the environment."""
    series = Series(figure, [], [])
    holds: dict[str, float | None] = {}
    for night in measured:
        host = nights[night].host
        if night in changes:
            holds[host] = changes[night]
        value = holds.get(host)
        if value is not None:
            series.nights.append(night)
            series.values.append(value)
    return series


def _cells(value: float) -> tuple[float | None, str | None]:
    """Return the columns of a value: a number, or the word for one that is not finite."""
    if math.isfinite(value):
        return value, None
    return None, number(value)


def _number(value: float | None, word: str | None) -> float | None:
    return value if word is None else NOT_FINITE[word]
