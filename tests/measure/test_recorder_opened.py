"""Which files a program opens."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os
open("old.txt").read()
with open("new.txt", "w") as stream: stream.write("x")
open("new.txt").read()
os.mknod("unheard.txt")
open("unheard.txt").read()
with open("log.txt", "a") as stream: stream.write("x")
os.close(os.open("low.txt", os.O_RDWR))
try: open("missing.txt")
except OSError: pass
"""


def test_files_are_told_that_were_read_before_they_were_written(tmp_path: Path) -> None:
    """A file that the program wrote itself is none that it found."""
    for name in ("old.txt", "log.txt", "low.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "train.py").write_text(PROGRAM)
    subprocess.run([sys.executable, "-m", "harness.measure.recorder", "--trace", "t.npz",
                    "--opened", "--", "train.py"], cwd=tmp_path, check=True,
                   env={"PYTHONPATH": str(ROOT)})
    with zipfile.ZipFile(tmp_path / "t.npz") as file:
        head = json.loads(file.read("trace.json"))
    def names(kind: str) -> list[str]:
        return [Path(path).name for path in head[kind] if Path(path).parent == tmp_path]
    assert names("read") == ["old.txt", "log.txt", "low.txt"]
    assert names("written") == ["new.txt", "log.txt", "low.txt"]
