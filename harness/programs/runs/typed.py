"""Typed: what stands after ``--``, as the words of a program that a side's Python can run.

Outside half. What cannot be a program is refused before a side is made, with what to type.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.errors import UsageError

EXAMPLE = "harness try --baseline torch==2.3.1 --observed torch==2.14.1 -- python train.py"
KINDS = "a program is a script, -m module, a console script, or pytest path::test"
INTERPRETER = re.compile(r"python(3(\.\d+)?)?")
"""A word before a program, which is left out: every side has a Python of its own."""
ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
UNBUFFERED = "-u"
"""Option of Python that changes nothing here: what is printed goes into a file."""
VARIABLES = {"-O": "PYTHONOPTIMIZE=1", "-OO": "PYTHONOPTIMIZE=2", "-W": "PYTHONWARNINGS=ignore",
             "-B": "PYTHONDONTWRITEBYTECODE=1", "-s": "PYTHONNOUSERSITE=1"}
"""Option of Python -> the variable that does the same."""
LAUNCHERS = ("torchrun", "accelerate", "deepspeed", "horovodrun", "mpirun", "mpiexec", "srun")
LAUNCHING = ("torch.distributed.run", "torch.distributed.launch", "accelerate.commands.launch")
"""Programs and modules that start others, which are not recorded."""
ALONE = "RANK=0 LOCAL_RANK=0 WORLD_SIZE=1 MASTER_ADDR=localhost MASTER_PORT=29500"
"""What a launcher tells a process that trains alone; two at once would want the same port."""
SHELL = (".sh", ".bash", ".zsh", ".slurm", ".sbatch")


def words(given: Sequence[str]) -> tuple[str, ...]:
    """Return what is run, without the Python before it.

    Raises:
        UsageError: nothing is named, or what no side can run.
    """
    found = list(given)
    if found and INTERPRETER.fullmatch(Path(found[0]).name):
        found.pop(0)
        while found[:1] == [UNBUFFERED]:
            found.pop(0)
    if not found:
        raise UsageError("no program is named", "after --", next_command=EXAMPLE)
    if ASSIGNED.match(found[0]):
        raise UsageError("a variable belongs in front of harness", found[0], KINDS,
                         f"{found[0]} harness try ...; --observed-env {found[0]} for one side")
    _refuse_options(found)
    _refuse_launchers(found)
    if Path(found[0]).suffix == ".ipynb":
        raise UsageError("a notebook is no program", found[0], KINDS,
                         f"jupyter nbconvert --to script {shlex.quote(found[0])}, then -- "
                         + shlex.quote(str(Path(found[0]).with_suffix(".py"))))
    if Path(found[0]).suffix in SHELL:
        raise UsageError("a shell script is no program of Python", found[0], KINDS,
                         f"the command that it runs, as in: {EXAMPLE}")
    return tuple(found)


def require_there(program: Sequence[str], folders: Iterable[Path]) -> None:
    """Refuse a script that is not in a folder where it would run.

    A name alone may be a console script of a side that is still to be made.

    Raises:
        UsageError: it is not there.
    """
    script = Path(program[0])
    if script.suffix != ".py" and len(script.parts) == 1:
        return
    for folder in folders:
        if not (folder / script).exists():
            near = sorted(path.name for path in folder.glob("*.py"))[:5]
            raise UsageError("there is no such program", str(script),
                             f"looked in {folder}" + (f"; it has {', '.join(near)}" if near
                                                      else ""), "-- PATH/train.py ARG...")


def _refuse_options(found: Sequence[str]) -> None:
    option = found[0]
    if not option.startswith("-") or option == "-m":
        return
    if option.startswith("-c"):
        raise UsageError("code in the command line is no program", option, KINDS,
                         "write it into a file: -- train.py")
    variable = VARIABLES.get(option, VARIABLES.get(option[:2]))
    raise UsageError("options of Python belong to no side", option, KINDS,
                     f"the same by a variable: {variable} harness try ..." if variable
                     else "the same command without it")


def _refuse_launchers(found: Sequence[str]) -> None:
    name = found[1] if found[0] == "-m" and len(found) > 1 else Path(found[0]).name
    if name not in (LAUNCHING if found[0] == "-m" else LAUNCHERS):
        return
    script = next((i for i, word in enumerate(found) if word.endswith(".py")), None)
    then = "train.py ARG..." if script is None else shlex.join(found[script:])
    raise UsageError("a launcher trains in processes of its own, which are not recorded", name,
                     "what trains in one process can be tried without it",
                     f"harness try ... -- {then}; if it asks for ranks, {ALONE} harness try "
                     f"--jobs 1 ... -- {then}")
