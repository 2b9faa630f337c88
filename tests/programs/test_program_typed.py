"""What is typed after ``--``: which programs are run, and what is said of what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.programs.runs import typed


@pytest.mark.parametrize(("given", "words"), [
    ("train.py --steps 3", "train.py --steps 3"), ("python -u train.py", "train.py"),
    ("python3.11 -u -m package.train -u", "-m package.train -u"), ("torch-train", "torch-train"),
    ("/opt/python/bin/python3 train.py", "train.py"),
    ("pytest tests/test_model.py", "pytest tests/test_model.py")])
def test_the_python_before_a_program_is_left_out(given: str, words: str) -> None:
    """Every side has its own; that nothing is buffered changes nothing."""
    assert typed.words(given.split()) == tuple(words.split())


@pytest.mark.parametrize(("given", "what", "then"), [
    ("", "no program is named", "-- python train.py"), ("python", "no program is named", ""),
    ("train.ipynb", "a notebook is no program", "nbconvert --to script train.ipynb, then -- "),
    ("run.sh 3", "a shell script", "the command that it runs"),
    ("python -c print(1)", "code in the command line", "write it into a file: -- train.py"),
    ("python -O train.py", "options of Python", "PYTHONOPTIMIZE=1 harness try"),
    ("python -Wignore train.py", "options of Python", "PYTHONWARNINGS=ignore harness try"),
    ("SEED=1 train.py", "a variable belongs in front", "SEED=1 harness try"),
    ("python -X dev train.py", "options of Python", "the same command without it"),
    ("torchrun --nproc-per-node 2 train.py --lr 1", "a launcher", "harness try ... -- train.py "
     "--lr 1; if it asks for ranks, RANK=0 "),
    ("accelerate launch train.py", "a launcher", "harness try ... -- train.py;"),
    ("python -m torch.distributed.run -m package", "a launcher", "-- train.py ARG...;")])
def test_what_is_no_program_is_refused_with_what_to_type(given: str, what: str, then: str) -> None:
    """Nothing is installed first, and the next command is one that helps."""
    with pytest.raises(UsageError, match=what) as caught:
        typed.words(given.split())
    assert then in caught.value.next_command


def test_a_script_that_is_not_there_is_told_before_a_side_is_made(tmp_path: Path) -> None:
    """It is looked for where each side runs; a bare name may be a console script."""
    (tmp_path / "train.py").touch()
    (tmp_path / "other").mkdir()
    typed.require_there(("train.py",), [tmp_path])
    typed.require_there(("-m", "package.train.py"), [tmp_path])
    typed.require_there(("torch-train",), [tmp_path])
    with pytest.raises(UsageError, match="there is no such program") as caught:
        typed.require_there(("train.py",), [tmp_path, tmp_path / "other"])
    assert caught.value.numbers == f"looked in {tmp_path / 'other'}"
    with pytest.raises(UsageError) as caught:
        typed.require_there(("scripts/trian",), [tmp_path])
    assert caught.value.numbers == f"looked in {tmp_path}; it has train.py"
