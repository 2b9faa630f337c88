"""Resolving what a side asks for, and installing it, with uv.

Outside half. The pins of the other side are kept wherever nothing speaks against them, so
that nothing moves between the sides but what has to.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from harness.errors import HarnessError
from harness.files import read_text, write_text
from harness.programs.sides import hints, uv
from harness.programs.sides.requirements import Requirements, backend, without_secrets
from harness.words import few

PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*) *(?:== *([^\s;]+)|@ *(\S+))", re.MULTILINE)
"""A line of exact pins: name, and version or place."""
OUT_OF_REACH = re.compile(r"Failed to fetch: .*download\.pytorch\.org")
"""What uv says where torch's own index, which has the small CPU builds, does not answer."""
AUTOMATIC = ("--torch-backend", "auto")


@dataclass(frozen=True)
class Wanted:
    """The environment of a side, as it is asked for.

    Args:
        side: its name, for messages.
        python: version or path of an interpreter.
        replaced: requirements that go before whatever else says of their names.
        constraints: files that bound what is resolved.
        indexes: to look in beside those that uv knows.
    """

    side: str
    requirements: Requirements
    python: str
    replaced: tuple[str, ...] = ()
    constraints: tuple[Path, ...] = ()
    indexes: tuple[str, ...] = ()


class Resolving:
    """Resolves and installs what one side asks for.

    Args:
        folder: of the environment; its Python is there already.
        variables: that uv is started with.
    """

    def __init__(self, wanted: Wanted, folder: Path, variables: Mapping[str, str]) -> None:
        self.wanted = wanted
        self.folder = folder
        self.variables = dict(variables)
        self.python = folder / "python" / "bin" / "python"
        self.pins = folder / "resolved.txt"
        self.notes: list[str] = []
        self.options = self._options()
        self.lines = list(wanted.requirements.lines)
        for place in wanted.requirements.locks:
            self.lines += self._exported(place)

    def resolve(self, preferred: str) -> list[hints.Hint]:
        """Write the exact pins, with what the framework silently needs; return what that was.

        Args:
            preferred: pins that are kept where nothing speaks against them.

        Raises:
            HarnessError: nothing fulfils all that is asked for.
        """
        named = replace(self.wanted.requirements, lines=tuple(self.lines)).named()
        added: list[hints.Hint] = []
        for _ in range(2):  # a hint can bring a framework, which needs something in its turn
            self._compile(added, preferred)
            more = hints.missing(packages(read_text(self.pins)), named)
            if not more:
                break
            added += more
        else:
            self._compile(added, preferred)
        return added

    def install(self) -> None:
        """Install what was resolved.

        Raises:
            HarnessError: something does not build, or cannot be had.
        """
        result = uv.run(["pip", "install", "--quiet", "--python", self.python, "--no-deps",
                         "-r", self.pins, *self.options], self.variables)
        if result.returncode:
            raise self._failed("does not install", result)

    def _compile(self, added: Sequence[hints.Hint], preferred: str) -> None:
        lines = [*self.lines, *(hint.requirement for hint in added)]
        result = self._attempt(lines, self.wanted.requirements.files, preferred)
        if result.returncode and OUT_OF_REACH.search(result.stderr) and self._is_automatic():
            self.options = self.options[:-len(AUTOMATIC)]
            self.notes.append("torch's own index, which has small builds for this machine, does "
                              "not answer: the builds of the usual index are taken")
            result = self._attempt(lines, self.wanted.requirements.files, preferred)
        if result.returncode and self.wanted.replaced and preferred:
            result = self._loosened(preferred, result)
        if result.returncode:
            raise self._failed("does not resolve", result)

    def _loosened(self, preferred: str, refused: subprocess.CompletedProcess[str]
                  ) -> subprocess.CompletedProcess[str]:
        """Resolve with the other side's pins as wishes, where they exclude what replaces one."""
        names = [name if version else f"{name} @ {place}"
                 for name, version, place in PINNED.findall(preferred)]
        result = self._attempt(names, (), preferred)
        if result.returncode:
            return refused
        self.notes.append("the pins of the file exclude what replaces one of them; others moved "
                          "as far as they had to")
        return result

    def _attempt(self, lines: Sequence[str], files: Sequence[Path], preferred: str
                 ) -> subprocess.CompletedProcess[str]:
        asked, replaced = self.folder / "asked.in", self.folder / "replaced.txt"
        write_text(asked, "\n".join(lines) + "\n")
        write_text(replaced, "\n".join(self.wanted.replaced) + "\n")
        write_text(self.pins, preferred)
        bounds = [word for path in self.wanted.constraints for word in ("--constraint", path)]
        return uv.run(["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python",
                       self.python, "--override", replaced, *bounds, *self.options,
                       "--output-file", self.pins, asked, *files], self.variables)

    def _options(self) -> list[str]:
        """Return where to look, and which builds of torch to take."""
        found = [word for index in self.wanted.indexes for word in ("--index", index)]
        if self.wanted.indexes:  # the best version of any index, as pip takes it
            found += ["--index-strategy", "unsafe-best-match"]
        asked = self._build()
        if self.wanted.indexes or uv.decides(self.variables):
            return found
        return [*found, *(("--torch-backend", asked) if asked else AUTOMATIC)]

    def _build(self) -> str | None:
        """Return the build of torch that is asked for by name: ``cu128``."""
        return backend([*self.wanted.requirements.lines, *self.wanted.replaced])

    def _is_automatic(self) -> bool:
        return tuple(self.options[-len(AUTOMATIC):]) == AUTOMATIC

    def _exported(self, place: Path) -> list[str]:
        """Return what a ``uv.lock`` pins, as lines."""
        result = uv.run(["export", "--quiet", "--frozen", "--no-hashes", "--no-header",
                         "--no-annotate", "--no-emit-workspace", "--python", self.python,
                         "--project", place], self.variables, place)
        if result.returncode:
            raise HarnessError(f"the lock file of the {self.wanted.side} side cannot be read",
                               str(place / "uv.lock"), uv.said(result),
                               "lay the pyproject.toml that it belongs to beside it")
        return result.stdout.splitlines()

    def _failed(self, what: str, result: subprocess.CompletedProcess[str]) -> HarnessError:
        asked = [*self.wanted.requirements.lines, *map(str, self.wanted.requirements.files),
                 *(str(place / "uv.lock") for place in self.wanted.requirements.locks)]
        side, build = self.wanted.side, self._build()
        then = f"--{side}-python VERSION for another Python, --with REQUIREMENT for what is " \
               "missing, --index URL for where else to look"
        if build and (OUT_OF_REACH.search(result.stderr) or f"+{build}" in result.stderr):
            then = f"--index URL of one that has builds for {build}, or the version without " \
                   f"+{build}"
        return HarnessError(f"the {side} side {what} under Python {self.wanted.python}",
                            without_secrets(few(asked, 4)), without_secrets(uv.said(result)), then)


def packages(pins: str) -> dict[str, str]:
    """Return what pins install: normalised name -> version, or the place it comes from."""
    return {canonicalize_name(name): version or without_secrets(place)
            for name, version, place in PINNED.findall(pins)}
