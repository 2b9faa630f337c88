"""Environments of sides, made by uv from wheels that lie in a folder; no network."""

from __future__ import annotations

import sys
import venv
import zipfile
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.programs.sides import asked as sides
from harness.programs.sides import making
from harness.programs.sides.asked import Asked, Common
from harness.programs.sides.requirements import read
from harness.programs.sides.resolving import Wanted


def wheel(folder: Path, name: str, version: str, *requires: str) -> Path:
    """Write a wheel of one empty module."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
                *(f"Requires-Dist: {one}" for one in requires)]
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\n"
                                       "Root-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of wheels, which is all that uv finds."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, version, *requires in (
            ("frame", "1.0", "helper"), ("frame", "2.0", "helper>=2"), ("frame", "3.0", "gone"),
            ("helper", "1.0"), ("helper", "2.0"), ("other", "1.0"), ("other", "2.0"),
            ("numpy", "1.26.0"), ("numpy", "2.1.0"), ("torch", "2.0.1"), ("torch", "2.13.0"),
            ("setuptools", "65.0"), ("setuptools", "80.0"), ("packaging", "26.0")):
        wheel(folder, name, version, *requires)
    for variable in ("UV_INDEX", "UV_DEFAULT_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return folder


def make(side: str, *texts: str, preferred: str = "", replaced: tuple[str, ...] = (),
         folder: Path = Path()) -> making.Environment:
    """Make a side's environment with this interpreter."""
    wanted = Wanted(side, read(texts, folder, side), sys.executable, replaced)
    return making.make(wanted, preferred)


def test_a_side_is_made_once(wheels: Path) -> None:
    """What was made lies in the cache, with what it resolved to."""
    told: list[str] = []
    wanted = Wanted("baseline", read(["frame==1.0"], Path(), "baseline"), sys.executable)
    first = making.make(wanted, tell=told.append)
    second = making.make(wanted, tell=told.append)
    assert dict(first.packages) == {"frame": "1.0", "helper": "2.0", "numpy": "2.1.0"}
    assert first == second and told == ["making the baseline side"]
    assert first.interpreter.is_file()


def test_nothing_moves_but_what_has_to(wheels: Path) -> None:
    """The observed side keeps the baseline's pins, older ones too, where nothing speaks against."""
    baseline = make("baseline", "frame==1.0", "other<2", "helper<2")
    observed = make("observed", "frame==2.0", "other", preferred=baseline.pins)
    assert observed.packages["other"] == "1.0"
    assert observed.packages["helper"] == "2.0"


def test_one_package_of_a_file_is_replaced(wheels: Path, tmp_path: Path) -> None:
    """All other lines of the file are kept."""
    (tmp_path / "requirements.txt").write_text("frame==1.0\nother==1.0\n")
    found = make("observed", "requirements.txt", replaced=("frame==2.0",), folder=tmp_path)
    assert (found.packages["frame"], found.packages["other"]) == ("2.0", "1.0")


def test_pins_that_exclude_what_replaces_one_are_loosened(wheels: Path, tmp_path: Path) -> None:
    """A full lock pins what the new version needs otherwise: that moves, and it is said."""
    (tmp_path / "requirements.txt").write_text("frame==1.0\nhelper==1.0\nother==1.0\n")
    baseline = make("baseline", "requirements.txt", folder=tmp_path)
    found = make("observed", "requirements.txt", replaced=("frame==2.0",),
                 preferred=baseline.pins, folder=tmp_path)
    assert (found.packages["helper"], found.packages["other"]) == ("2.0", "1.0")
    assert "moved as far as they had to" in found.notes[0]


def test_what_old_releases_need_is_added_and_said(wheels: Path) -> None:
    """torch 2.0 gets the setuptools and the NumPy of its time."""
    found = make("baseline", "torch==2.0.1")
    assert found.packages["numpy"] == "1.26.0" and found.packages["setuptools"] == "65.0"
    assert any(hint.startswith("numpy<2 (torch 2.0.1") for hint in found.hints)


def test_the_users_word_goes_before_a_hint(wheels: Path) -> None:
    """Who asks for NumPy 2 gets it."""
    assert make("baseline", "torch==2.0.1", "numpy==2.1.0").packages["numpy"] == "2.1.0"


@pytest.mark.parametrize(("text", "words"), [("frame==9", "does not resolve"),
                                             ("frame==3.0", "does not resolve")])
def test_what_does_not_resolve_is_told(wheels: Path, text: str, words: str) -> None:
    """The message has the side, the Python, uv's words and what to type."""
    with pytest.raises(HarnessError, match=f"observed side {words} under Python") as caught:
        make("observed", text)
    assert "No solution" in str(caught.value) and "--observed-python" in str(caught.value)


def test_what_does_not_build_is_told(wheels: Path, tmp_path: Path) -> None:
    """A source that does not build is an error of its side, not a match."""
    source = tmp_path / "broken"
    source.mkdir()
    (source / "setup.py").write_text("raise SystemExit('needs another Python')")
    with pytest.raises(HarnessError, match="observed side does not"):
        make("observed", "./broken", folder=tmp_path)


def test_a_python_that_cannot_be_had_is_told(wheels: Path) -> None:
    """The message names the option."""
    wanted = Wanted("baseline", read(["frame"], Path(), "baseline"), "3.4")
    with pytest.raises(HarnessError, match=r"Python 3\.4 of the baseline side") as caught:
        making.make(wanted)
    assert "--baseline-python" in str(caught.value)


def test_an_environment_that_was_not_finished_is_made_again(wheels: Path) -> None:
    """What a killed process left is no environment."""
    first = make("baseline", "frame==1.0")
    assert first.folder is not None
    (first.folder / making.WHOLE).unlink()
    first.interpreter.unlink()
    assert make("baseline", "frame==1.0").interpreter.is_file()


def test_old_environments_make_room_but_for_those_in_use(wheels: Path) -> None:
    """The cache does not grow for ever."""
    one, other = make("baseline", "frame==1.0"), make("baseline", "frame==2.0")
    with making.using(one):
        assert making.sweep(0) == [other.folder]
    assert making.sweep(0) == [one.folder]


def test_sides_differ_in_what_was_named_and_that_is_said(wheels: Path, tmp_path: Path) -> None:
    """What moved beside the named package is told apart from it."""
    asked = Asked(("frame==1.0", "helper<2")), Asked(("frame==2.0",))
    common = Common(tmp_path)
    made = sides.make(*asked, common)
    found = sides.differences(*made, sides.named(*asked, common))
    assert sides.describe(found) == "frame 1.0 -> 2.0, helper 1.0 -> 2.0; nothing else moved"
    unnamed = sides.differences(*made, {"frame"})
    assert sides.describe(unnamed) == "frame 1.0 -> 2.0; beside it moved helper 1.0 -> 2.0"


def test_an_environment_without_numpy_is_told(tmp_path: Path) -> None:
    """The recorder needs it; wheels of torch do not ask for it."""
    venv.create(tmp_path / "bare")
    asked = (Asked((str(tmp_path / "bare"),)), Asked((sys.prefix,)))
    with pytest.raises(HarnessError, match="the baseline side has no numpy") as caught:
        sides.make(*asked, Common(tmp_path))
    assert "uv pip install --python" in caught.value.next_command
