"""Requirements: what a side is to be made of, as people write it, in the words that uv reads.

Outside half. A requirement is a line of pip's, a wheel, a folder, a repository, a file of
requirements, a ``pyproject.toml`` or a lock file; each kind becomes lines or files that
``uv pip compile`` resolves.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.pylock import Package, Pylock, PylockSelectError, PylockValidationError
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.errors import HarnessError, UsageError
from harness.files import read_bytes, read_text

KNOWN = ("torch==2.13.0", "'torch>=2.3,<2.9'", "'mylib @ file:///wheels/mylib-1.0-py3-none-any.whl'",
         "git+https://…", "./wheel.whl", "requirements.txt", "pylock.toml", "uv.lock",
         "pyproject.toml", "a folder with an environment of your own (.venv)")
"""What a side can be made of, for messages."""
FOREIGN = {"Pipfile.lock": "pipenv requirements > requirements.txt",
           "poetry.lock": "poetry export -f requirements.txt -o requirements.txt",
           "environment.yml": "--baseline FOLDER of the conda environment, which holds bin/python",
           "environment.yaml": "--baseline FOLDER of the conda environment, which holds bin/python"}
"""Files of other installers, and what to type instead."""
LOCAL = re.compile(r"\+(cpu|cu\d+|rocm[\d.]+|xpu)\b")
"""The build that a local version names: ``torch==2.7.0+cu128``."""
COMMIT = re.compile(r"@([0-9a-f]{40})\Z")
"""How the place of a repository ends that was resolved."""
SECRET = re.compile(r"(://)[^/@\s]*@(?=[^/\s])")
"""What stands before the host of an address."""
LARGEST = 4 * 2**30
"""Bytes of a wheel that is read to tell whether it is still the same one."""


@dataclass(frozen=True)
class Requirements:
    """What a side is made of.

    Args:
        lines: requirements as uv takes them from standard input.
        files: of requirements, and ``pyproject.toml``, which uv reads itself.
        locks: folders of a ``uv.lock`` and its ``pyproject.toml``, to be exported.
        interpreter: of an environment that is there already; nothing is made then.
    """

    lines: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    locks: tuple[Path, ...] = ()
    interpreter: Path | None = None

    def named(self) -> dict[str, Requirement]:
        """Return by normalised name the requirements that name a distribution."""
        found: dict[str, Requirement] = {}
        for line in (*self.lines, *(line for path in self.files for line in _file_lines(path))):
            requirement = parse(line)
            if requirement is not None:
                found[canonicalize_name(requirement.name)] = requirement
        return found

    def digest(self) -> list[str]:
        """Return lines that are others whenever what is asked for is: names and contents."""
        files = [f"{path.name} {_sha256(path)}" for path in _included(self.files)]
        locks = [f"{name} {_sha256(folder / name)}" for folder in self.locks
                 for name in ("uv.lock", "pyproject.toml") if (folder / name).is_file()]
        return [*self.lines, *map(_contents, self.lines), *files, *locks]


def read(texts: Sequence[str], folder: Path, side: str) -> Requirements:
    """Return what requirements mean.

    Args:
        texts: as typed, each of any kind in ``KNOWN``.
        folder: that relative paths are relative to.
        side: name, for messages.

    Raises:
        UsageError: one is no requirement, or a file that is not there.
        HarnessError: a lock file cannot be read.
    """
    lines: list[str] = []
    files: list[Path] = []
    locks: list[Path] = []
    interpreters = [found for text in texts if (found := interpreter(folder / text)) is not None]
    if interpreters:
        if len(texts) > 1:
            raise UsageError("an environment of your own is taken as it is", f"{side} side",
                             f"beside it: {', '.join(texts)}", "install it there")
        return Requirements(interpreter=interpreters[0])
    for text in (re.sub(r"-r\s+|--requirement[ =]", "", given, count=1) for given in texts):
        path = folder / text
        if _is_path(text) and not path.exists():
            raise UsageError(f"the {side} side names a file that is not there", str(path), text,
                             f"a side is made of {', '.join(KNOWN)}")
        if path.name in FOREIGN:
            raise UsageError(f"the {side} side names the file of another installer", str(path),
                             next_command=FOREIGN[path.name])
        if path.name == "uv.lock":
            locks.append(path.parent.resolve())
        elif re.fullmatch(r"pylock(\.[^.]+)?\.toml", path.name) and path.is_file():
            lines += _pylock(path)
        elif path.is_file() and path.suffix in (".txt", ".in", ".toml"):
            files.append(path.resolve())
        else:
            lines.append(_line(text, path, side))
    return Requirements(tuple(lines), tuple(files), tuple(locks))


def parse(line: str) -> Requirement | None:
    """Return a line as a requirement, or None if it names no distribution."""
    try:
        return Requirement(line.split(" #")[0].split(" --hash")[0].strip())
    except InvalidRequirement:
        return None


def without_secrets(text: str) -> str:
    """Return a text without the names and passwords that stand in its addresses."""
    return SECRET.sub(r"\1", text)


def shown(versions: Sequence[str]) -> list[str]:
    """Return versions as short as they still differ: of a place the commit, or its last part."""
    short = [f"commit {match[1][:10]}" if (match := COMMIT.search(text)) else
             unquote(text.rstrip("/").rpartition("/")[2]) if "://" in text else text
             for text in versions]
    return short if len(set(short)) == len(set(versions)) else list(versions)


def interpreter(folder: Path) -> Path | None:
    """Return the Python of an environment's folder, or of its path; None if it is neither."""
    if folder.is_file() and os.access(folder, os.X_OK) and folder.name.startswith("python"):
        return folder.absolute()
    found = folder / "bin" / "python"
    return found.absolute() if found.is_file() else None


def backend(lines: Iterable[str]) -> str | None:
    """Return the build of torch that local versions ask for: ``cu128``."""
    found = {match[1] for line in lines for match in LOCAL.finditer(line)}
    return found.pop() if len(found) == 1 else None


def _is_path(text: str) -> bool:
    """Return whether a text can only be a path: a requirement has no such look."""
    if "://" in text or " @ " in text:
        return False
    return text.startswith((".", "/", "~")) or text.endswith(
        (".txt", ".in", ".toml", ".lock", ".whl", ".tar.gz", ".yml", ".yaml"))


def _line(text: str, path: Path, side: str) -> str:
    if _is_path(text) or path.is_dir():
        return path.resolve().as_uri()
    if re.match(r"(git|hg|svn|bzr)\+|https?://|file:", text) or parse(text) is not None:
        return text
    what = "a path that is not there" if "/" in text else "what cannot be installed"
    raise UsageError(f"the {side} side names {what}", repr(text),
                     f"a side is made of {', '.join(KNOWN)}",
                     "harness try --baseline torch==2.13.0 --observed torch==2.14.1 -- "
                     "python train.py")


def _pylock(path: Path) -> list[str]:
    """Return the packages of a ``pylock.toml`` as lines.

    Source: PEP 751.
    """
    try:
        packages = Pylock.from_dict(tomllib.loads(read_text(path))).packages
    except (tomllib.TOMLDecodeError, PylockValidationError, PylockSelectError) as error:
        raise HarnessError("the lock file cannot be read", str(path), str(error)[:300],
                           "uv export --format pylock.toml -o pylock.toml") from None
    return [_locked(package, path) for package in packages]


def _locked(package: Package, path: Path) -> str:
    marker = f" ; {package.marker}" if package.marker else ""
    if package.vcs is not None:
        return f"{package.name} @ {package.vcs.type}+{package.vcs.url or package.vcs.path}" \
               f"@{package.vcs.commit_id}{marker}"
    if package.directory is not None:
        place = (path.parent / package.directory.path).resolve()
        return f"{package.name} @ {place.as_uri()}{marker}"
    if package.archive is not None:
        archive = package.archive
        url = archive.url or (path.parent / str(archive.path)).resolve().as_uri()
        return f"{package.name} @ {url}{marker}"
    return f"{package.name}=={package.version}{marker}"


def _file_lines(path: Path) -> list[str]:
    """Return what a file of requirements, or a pyproject, asks for by itself."""
    text = read_text(path)
    if path.suffix == ".toml":
        with_project = tomllib.loads(text).get("project", {})
        return [str(line) for line in with_project.get("dependencies", [])]
    lines = re.sub(r"\\\n", " ", text).splitlines()
    nested = [path.parent / match[1] for line in lines
              if (match := re.match(r"\s*(?:-r|--requirement)[ =]*(\S+)", line))]
    return [*lines, *(line for other in nested if other.is_file() and other != path
                      for line in _file_lines(other))]


def _included(files: Iterable[Path]) -> list[Path]:
    """Return files of requirements with those that they name."""
    found: list[Path] = []
    pending = list(files)
    while pending:
        path = pending.pop(0)
        if path in found or not path.is_file():
            continue
        found.append(path)
        if path.suffix != ".toml":
            names = re.findall(r"^\s*(?:-[rc]|--requirement|--constraint)[ =]*(\S+)",
                               read_text(path), re.MULTILINE)
            pending += [path.parent / name for name in names if "://" not in name]
    return found


def _contents(line: str) -> str:
    """Return what tells whether a local wheel or folder is still the same; empty of others."""
    found = re.search(r"file:(//)?[^\s;]+", line)
    if found is None:
        return ""
    path = Path(unquote(urlsplit(found[0]).path))
    if path.is_dir():
        inside = (inner.relative_to(path) for inner in sorted(path.rglob("*")) if inner.is_file())
        return " ".join(f"{name}:{(path / name).stat().st_mtime_ns}" for name in inside
                        if not any(part.startswith((".", "__py")) for part in name.parts))
    return _sha256(path) if path.is_file() else ""


def _sha256(path: Path) -> str:
    return hashlib.sha256(read_bytes(path, LARGEST)).hexdigest()
