"""Lock files as sides, resolved with an index: what needs the network."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytest.importorskip("cyclopts", reason="sides are of the outside half")
from harness.programs.sides import asked, uv
from harness.programs.sides.asked import Asked, Common

PROJECT = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.11"\n' \
          'dependencies = ["idna=={}", "certifi"]\n'


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two locked projects that differ in one package."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    for name, version in (("old", "3.4"), ("new", "3.7")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "pyproject.toml").write_text(PROJECT.format(version))
        for words in (["lock"], ["export", "--format", "pylock.toml", "-o", "pylock.toml",
                                 "--no-emit-project"]):
            subprocess.run([uv.find(), *words, "--quiet"], cwd=folder, check=True,
                           env=uv.variables())
    return tmp_path


@pytest.mark.parametrize("file", ["uv.lock", "pylock.toml", "pyproject.toml"])
def test_two_lock_files_are_two_sides(folders: Path, file: str) -> None:
    """Each kind gives both sides, and nothing but the package differs."""
    common = Common(folders)
    made = asked.make(Asked((f"old/{file}",)), Asked((f"new/{file}",)), common)
    found = asked.differences(*made, set())
    assert asked.describe(found) == "nothing but idna 3.4 -> 3.7 differs"
