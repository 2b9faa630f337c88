"""What a side can be made of, as people write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError, UsageError
from harness.programs.sides import hints, requirements

PYLOCK = """
lock-version = "1.0"
created-by = "test"

[[packages]]
name = "idna"
version = "3.7"
marker = "python_version >= '3.8'"
wheels = [{ url = "https://example.org/idna-3.7-py3-none-any.whl", hashes = { sha256 = "00" } }]

[[packages]]
name = "own"
archive = { path = "own-1.0-py3-none-any.whl", hashes = { sha256 = "00" } }
"""


def test_lines_of_pip_are_taken_as_they_are(tmp_path: Path) -> None:
    """Exact versions, ranges, builds and places are lines for uv."""
    texts = ["torch==2.3.1", "torch>=2.3,<2.9", "torch==2.7.0+cu128", "a @ file:///w/a-1.whl",
             "git+https://example.org/a.git@main"]
    assert requirements.read(texts, tmp_path, "baseline").lines == tuple(texts)


def test_a_wheel_is_named_by_its_place(tmp_path: Path) -> None:
    """A relative path becomes an address that does not depend on the folder."""
    wheel = tmp_path / "own-1.0-py3-none-any.whl"
    wheel.write_bytes(b"")
    found = requirements.read(["./own-1.0-py3-none-any.whl"], tmp_path, "baseline")
    assert found.lines == (wheel.resolve().as_uri(),)


def test_files_of_requirements_are_left_to_uv_but_read_for_names(tmp_path: Path) -> None:
    """What a file names, and the files that it includes, is known."""
    (tmp_path / "base.txt").write_text("numpy<2\n")
    (tmp_path / "requirements.txt").write_text("-r base.txt\ntorch==2.3.1 # pinned\n")
    found = requirements.read(["requirements.txt"], tmp_path, "baseline")
    assert found.files == (tmp_path / "requirements.txt",)
    assert {name: str(one.specifier) for name, one in found.named().items()} == {
        "numpy": "<2", "torch": "==2.3.1"}


def test_a_changed_file_is_another_side(tmp_path: Path) -> None:
    """The key of an environment follows what included files say."""
    (tmp_path / "base.txt").write_text("numpy<2\n")
    (tmp_path / "requirements.txt").write_text("-r base.txt\n")
    found = requirements.read(["requirements.txt"], tmp_path, "baseline")
    before = found.digest()
    (tmp_path / "base.txt").write_text("numpy<3\n")
    assert found.digest() != before


def test_a_rebuilt_wheel_is_another_side(tmp_path: Path) -> None:
    """The same path with other bytes is another environment."""
    wheel = tmp_path / "own-1.0-py3-none-any.whl"
    wheel.write_bytes(b"one")
    found = requirements.read([f"own @ {wheel.as_uri()}"], tmp_path, "baseline")
    before = found.digest()
    wheel.write_bytes(b"two")
    assert found.digest() != before


def test_a_changed_folder_is_another_side(tmp_path: Path) -> None:
    """A source tree is another one when any file of it is, at the top as well."""
    source = tmp_path / "own"
    source.mkdir()
    (source / "setup.py").write_text("one")
    found = requirements.read(["./own"], tmp_path, "baseline")
    before = found.digest()
    (source / "own.c").write_text("two")
    assert found.digest() != before


def test_a_lock_file_of_pep_751_is_read(tmp_path: Path) -> None:
    """Versions keep their markers, archives their place."""
    (tmp_path / "pylock.toml").write_text(PYLOCK)
    lines = requirements.read(["pylock.toml"], tmp_path, "observed").lines
    assert lines[0] == 'idna==3.7 ; python_version >= "3.8"'
    assert lines[1] == f"own @ {(tmp_path / 'own-1.0-py3-none-any.whl').as_uri()}"


def test_a_broken_lock_file_says_so(tmp_path: Path) -> None:
    """An unreadable lock file is named, with what is wrong."""
    (tmp_path / "pylock.toml").write_text("packages = 3")
    with pytest.raises(HarnessError, match="lock file cannot be read"):
        requirements.read(["pylock.toml"], tmp_path, "observed")


def test_a_pyproject_is_what_it_depends_on(tmp_path: Path) -> None:
    """The dependencies of a project are its side."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "p"\nversion = "1"\ndependencies = ["torch==2.3.1"]\n')
    found = requirements.read(["pyproject.toml"], tmp_path, "baseline")
    assert list(found.named()) == ["torch"]


@pytest.mark.parametrize(("text", "words"), [
    ("missing.txt", "not there"), ("./missing.whl", "not there"), ("torch=2.3", "cannot be inst"),
    ("two words", "cannot be installed"), ("poetry.lock", "another installer")])
def test_what_is_no_requirement_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """Each wrong text has a message that says which side it is of."""
    (tmp_path / "poetry.lock").write_text("")
    with pytest.raises(UsageError, match=words) as caught:
        requirements.read([text], tmp_path, "observed")
    assert "observed" in str(caught.value)


def test_an_environment_of_ones_own_stands_alone(tmp_path: Path) -> None:
    """A folder with a Python is taken as it is, and nothing can be added to it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("")
    assert requirements.read(["."], tmp_path, "baseline").interpreter == tmp_path / "bin/python"
    with pytest.raises(UsageError, match="as it is"):
        requirements.read([".", "idna"], tmp_path, "baseline")


@pytest.mark.parametrize(("packages", "said", "expected"), [
    ({"torch": "2.0.1", "numpy": "2.1"}, {}, ["numpy<2", "setuptools<70", "packaging"]),
    ({"torch": "2.0.1", "numpy": "1.26"}, {"setuptools": "==65"}, ["packaging"]),
    ({"torch": "2.13.0+cpu"}, {}, ["numpy"]),
    ({"keras": "3.5.0", "numpy": "1.26", "torch": "2.13.0", }, {}, []),
    ({"tensorflow": "2.16.2", "numpy": "1.26"}, {}, []),
    ({"idna": "3.7"}, {}, ["numpy"])])
def test_what_a_framework_silently_needs_is_added(
        packages: dict[str, str], said: dict[str, str], expected: list[str]) -> None:
    """A hint is given where the user said nothing, and only there."""
    named = {name: requirements.parse(name + version) for name, version in said.items()}
    found = [hint.requirement for hint in hints.missing(packages, named)]  # type: ignore[arg-type]
    assert found == expected


def test_keras_gets_something_to_compute_with() -> None:
    """Keras 3 requires no backend, and cannot be imported without one."""
    found = hints.missing({"keras": "3.5.0", "numpy": "1.26"}, {})
    assert [hint.requirement.partition("=")[0] for hint in found] == ["tensorflow-cpu"] or \
        [hint.requirement.partition("=")[0] for hint in found] == ["tensorflow"]


def test_both_sides_get_the_python_of_the_older_one() -> None:
    """One interpreter that both have wheels for, so that it does not differ."""
    sides = [requirements.Requirements((text,)).named()
             for text in ("torch==1.10.2", "torch==2.13.0")]
    assert hints.python(sides) == "3.9"
