"""Running a user's program as Python itself would: a script, a module, a pytest test.

Inside half: standard library only.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import io
import os
import runpy
import shutil
import sys
import sysconfig
import types
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Callable

from harness.errors import UsageError

PYTEST = "pytest"


def prepare(words: list[str]) -> Callable[[], object]:
    """Set ``sys.argv`` and ``sys.path`` as the program expects them, and return what runs it.

    Args:
        words: ``script.py ARG...``, ``-m module ARG...``, ``pytest path::test ...`` or the name of
            a console script.

    Raises:
        UsageError: there is no such script or module.
    """
    if words[0] == "-m":
        if len(words) < 2:
            raise UsageError("no module is named", "-m", "-m needs a name",
                             "harness try ... -- -m package.train")
        return _prepare_module(words[1], words[2:])
    if words[0] == PYTEST:
        return _prepare_pytest(words[1:])
    return _prepare_script(words)


def _prepare_script(words: list[str]) -> Callable[[], object]:
    path = Path(words[0])
    if path.is_dir() or path.suffix in (".zip", ".pyz"):
        sys.argv = list(words)
        _search(str(path))
        return lambda: runpy.run_path(str(path), run_name="__main__")
    if not path.is_file():
        path = _installed(words[0])
    name = words[0] if path == Path(words[0]) else str(path)
    sys.argv = [name, *words[1:]]
    _search(str(path.resolve().parent))
    return lambda: _run_script(name)


def _installed(name: str) -> Path:
    """Return the file of a console script that is installed beside this Python."""
    folder = Path(sysconfig.get_path("scripts"))
    if os.sep not in name and (folder / name).is_file():
        with (folder / name).open("rb") as file:
            if file.read(2) == b"#!" and b"python" in file.readline() + file.readline():
                return folder / name
    if shutil.which(name) is not None and not name.endswith(".py"):
        raise UsageError("this is no program of Python", name, f"looked in {os.getcwd()} and in "
                         f"{folder}", "the Python command that it runs: -- train.py ARG..., or "
                         "-- -m package.train")
    raise UsageError("there is no such program", name, f"looked in {os.getcwd()} and in {folder}",
                     "-- PATH/train.py ARG...")


def _search(folder: str) -> None:
    """Put a folder where Python puts it that is started for a program, in place of this one's."""
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = folder


def _run_script(name: str) -> None:
    """Run a script as ``__main__``: what it defines can be pickled, as anywhere."""
    if sys.version_info >= (3, 9):  # since then __file__ is absolute
        name = os.path.abspath(name)
    with io.open_code(name) as stream:
        source = stream.read()
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=name, __builtins__=builtins, __cached__=None,
                           __loader__=SourceFileLoader("__main__", name))
    sys.modules["__main__"] = module
    exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)


def _prepare_module(name: str, arguments: list[str]) -> Callable[[], object]:
    _search(os.getcwd())
    sys.argv = [name, *arguments]
    if not _is_module(name):
        raise UsageError("there is no such module", name, f"looked in {os.getcwd()} and in what "
                         "is installed", f"python -m {name}")
    return lambda: runpy.run_module(name, run_name="__main__", alter_sys=True)


def _is_module(name: str) -> bool:
    """Return whether there is such a module; what its packages do is done, as by ``python -m``."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError as error:
        return error.name is None or not f"{name}.".startswith(f"{error.name}.")
    except ValueError:
        return False
    except Exception:
        return True  # a package of it fails, which running it will show


def _prepare_pytest(arguments: list[str]) -> Callable[[], object]:
    try:
        importlib.import_module(PYTEST)
    except ImportError:
        raise UsageError("pytest is not installed", sys.prefix, f"pytest {' '.join(arguments)}",
                         "add pytest to the requirements of this side") from None
    _search(os.getcwd())
    sys.argv = [PYTEST, *arguments]

    def run() -> None:
        raise SystemExit(int(importlib.import_module(PYTEST).main(arguments)))

    return run
