"""Kinds of requirements that sides are made of, each made by uv with no network."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.programs.sides import asked as sides
from harness.programs.sides import making, resolving, uv
from harness.programs.sides.asked import Asked, Common
from harness.programs.sides.requirements import read, without_secrets
from harness.programs.sides.resolving import Resolving, Wanted

BACKEND = '''
import zipfile


def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "figures-1.0-py3-none-any.whl"
    info = "figures-1.0.dist-info"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as file:
        file.write("figures.py")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: figures\\nVersion: 1.0\\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\n"
                                       "Root-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr(f"{info}/RECORD", "")
    return name
'''
PROJECT = """[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "figures"
version = "1.0"
"""


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have uv find NumPy in a folder, and nothing anywhere else."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for version in ("1.26.0", "2.1.0"):
        wheel(wheels, "numpy", version, "")
    for variable in ("UV_INDEX", "UV_DEFAULT_INDEX", "PIP_FIND_LINKS", "PIP_INDEX_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def wheel(folder: Path, name: str, version: str, text: str) -> Path:
    """Write a wheel of one module with this text."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", text)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\n"
                                          f"Version: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\n"
                                       "Root-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return path


def make(folder: Path, baseline: tuple[str, ...], observed: tuple[str, ...],
         **common: tuple[str, ...]) -> list[sides.Side]:
    """Make two sides with this interpreter."""
    one, other = (Asked(texts, sys.executable) for texts in (baseline, observed))
    return list(sides.make(one, other, Common(folder, **common)))


def rate(side: sides.Side) -> str:
    """Return the figure that the package of a side has."""
    found = subprocess.run([str(side.environment.interpreter), "-c",
                            "import figures; print(figures.RATE)"],
                           capture_output=True, text=True, check=True)
    return found.stdout.strip()


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, as nobody in particular."""
    found = subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@example.org", *words],
                           cwd=folder, capture_output=True, text=True, check=True)
    return found.stdout.strip()


def test_two_commits_are_two_sides(tmp_path: Path) -> None:
    """Each side has the figure of its commit, and the commits are what differs."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(PROJECT)
    git(folder, "init", "-q")
    commits = []
    for value in ("0.1", "0.2"):
        (folder / "figures.py").write_text(f"RATE = {value}\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", value)
        commits.append(git(folder, "rev-parse", "HEAD"))
    texts = [f"git+{folder.as_uri()}@{commit}" for commit in commits]
    made = make(tmp_path, (texts[0],), (texts[1],))
    assert [rate(side) for side in made] == ["0.1", "0.2"]
    found = sides.differences(*made, set())
    assert sides.describe(found) == (
        f"nothing but figures commit {commits[0][:10]} -> commit {commits[1][:10]} differs")


def test_a_wheel_is_a_side(tmp_path: Path) -> None:
    """Named by a requirement, by its address or by its path."""
    path = wheel(tmp_path, "figures", "1.0", "RATE = 0.3\n")
    made = make(tmp_path, (f"figures @ {path.as_uri()}",), (f"./{path.name}",))
    assert [rate(side) for side in made] == ["0.3", "0.3"]
    assert sides.differences(*made, set()) == []


@pytest.mark.parametrize("text", ["requirements.txt", "-r requirements.txt"])
def test_one_package_of_a_file_of_requirements_is_replaced(tmp_path: Path, text: str) -> None:
    """By a wheel as well; the rest of the file is kept on both sides."""
    wheel(tmp_path / "wheels", "figures", "1.0", "RATE = 0.1\n")
    other = wheel(tmp_path, "figures", "1.1", "RATE = 0.2\n")
    (tmp_path / "requirements.txt").write_text("figures==1.0\nnumpy==1.26.0\n")
    made = make(tmp_path, (text,), (text,), replaced=(f"figures @ {other.as_uri()}",))
    assert [rate(side) for side in made] == ["0.1", "0.2"]
    assert {side.environment.packages["numpy"] for side in made} == {"1.26.0"}


def test_a_python_of_ones_own_is_taken_by_its_path(tmp_path: Path) -> None:
    """Its version is what the side has."""
    path = wheel(tmp_path, "figures", "1.0", "RATE = 0.3\n")
    made = make(tmp_path, (str(path),), (str(path),))
    assert {side.environment.python for side in made} == {
        ".".join(map(str, sys.version_info[:3]))}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Have uv fail as where no index can be reached; return what it is called with."""
    calls: list[list[str]] = []

    def run(arguments: list[str], *_: object) -> subprocess.CompletedProcess[str]:
        calls.append(list(map(str, arguments)))
        return subprocess.CompletedProcess(
            calls[-1], 2, "", "error: Request failed\n  cause: Failed to fetch: "
                              "download.pytorch.org\n  cause: dns error\n")

    monkeypatch.setattr(uv, "run", run)
    for variable in uv.DECIDING:
        monkeypatch.delenv(variable, raising=False)
    return calls


def resolve(folder: Path, *texts: str, **more: tuple[str, ...]) -> HarnessError:
    """Return why a side does not resolve."""
    wanted = Wanted("baseline", read(texts, folder, "baseline"), "3.11", **more)
    with pytest.raises(HarnessError) as caught:
        Resolving(wanted, folder, uv.variables()).resolve("")
    return caught.value


def test_a_build_for_a_gpu_is_asked_for_by_its_backend(tmp_path: Path,
                                                       called: list[list[str]]) -> None:
    """uv gets the version and the backend; where its index does not answer, that is told."""
    error = resolve(tmp_path, "torch==2.7.0+cu128")
    (words,) = called
    assert words[words.index("--torch-backend") + 1] == "cu128"
    assert (tmp_path / "asked.in").read_text() == "torch==2.7.0+cu128\n"
    assert "does not resolve" in error.what and error.where == "torch==2.7.0+cu128"
    assert "dns error" in error.numbers
    assert error.next_command == ("--index URL of one that has builds for cu128, or the version "
                                  "without +cu128")


def test_an_index_of_ones_own_goes_before_the_backend(tmp_path: Path,
                                                      called: list[list[str]]) -> None:
    """uv looks there, and takes the best version of any index."""
    resolve(tmp_path, "torch==2.7.0+cu128", indexes=("https://example.org/simple",))
    assert "--torch-backend" not in called[0]
    assert called[0][called[0].index("--index") + 1] == "https://example.org/simple"


def test_without_a_word_on_builds_the_usual_index_is_tried_as_well(
        tmp_path: Path, called: list[list[str]]) -> None:
    """Small builds first; then what everybody gets."""
    resolve(tmp_path, "torch==2.13.0")
    assert ["--torch-backend" in words for words in called] == [True, False]
    assert called[0][called[0].index("--torch-backend") + 1] == "auto"


def test_passwords_of_indexes_and_repositories_are_told_nowhere() -> None:
    """Neither in what resolved nor in what went wrong."""
    pins = "figures @ git+https://me:secret@example.org/figures@" + "a" * 40
    assert resolving.packages(pins) == {
        "figures": "git+https://example.org/figures@" + "a" * 40}
    assert without_secrets("git+file:///w/figures@main") == "git+file:///w/figures@main"


def test_what_two_sides_share_is_made_once(tmp_path: Path) -> None:
    """Two names of one thing are two environments, the same words one."""
    path = wheel(tmp_path, "figures", "1.0", "RATE = 0.3\n")
    first, second = make(tmp_path, (str(path),), (str(path),))
    assert second.environment.pins == first.environment.pins
    assert making.sweep(2) == []
