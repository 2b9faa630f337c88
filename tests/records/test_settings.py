"""Settings: pinned in one table, the same with and without tox, told in the record."""

from __future__ import annotations

import configparser
import json
import sys
from pathlib import Path

import pytest

from harness.measure.process import WorkerProcess
from harness.records import freshness, settings
from harness.records.project import Project

ROOT = Path(__file__).parents[2]


def test_onednn_is_off_in_every_tensorflow_and_nowhere_else() -> None:
    """TensorFlow must not take other kernels where a processor has AVX-512."""
    for family in settings.TENSORFLOW:
        assert settings.pinned(family, ["avx512_vnni"])["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert "TF_ENABLE_ONEDNN_OPTS" not in settings.pinned("torch", settings.AVX2)


def test_kernels_are_pinned_only_where_the_processor_has_them() -> None:
    """A machine without AVX2, or another architecture, keeps its own kernels."""
    assert settings.pinned("torch", ["sse4_2", *settings.AVX2])["ATEN_CPU_CAPABILITY"] == "avx2"
    for sets in ([], ["sse4_2", "avx"], ["asimd", "sve"]):
        assert not {s.variable for s in settings.PINNED if s.needs} & set(
            settings.pinned("torch", sets))


def test_what_the_caller_says_goes_first() -> None:
    """A variable that is given is not overwritten."""
    given = {"TF_ENABLE_ONEDNN_OPTS": "1", "OMP_NUM_THREADS": "4", "HOME": "/"}
    found = settings.environment("keras", given)
    assert {name: found[name] for name in given} == given
    assert found["TF_NUM_INTRAOP_THREADS"] == "1"


def test_a_worker_gets_the_pinned_settings_without_tox(project: Project, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's own variables are the table's, whoever starts it."""
    for setting in settings.PINNED:
        monkeypatch.delenv(setting.variable, raising=False)
    program = tmp_path / "python"
    program.write_text(
        f"#!{sys.executable}\nimport json, os\nprint(json.dumps(dict(os.environ)))\n")
    program.chmod(0o755)
    worker = WorkerProcess(project, "keras-3.15.1", 60, tmp_path / "log", interpreter=program)
    line = worker.lines.get(timeout=60)
    worker.end()
    assert line is not None
    assert settings.pinned("keras").items() <= json.loads(line).items()


def test_the_digest_of_a_machine_is_that_of_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pinned setting given by hand changes nothing, another one makes records due."""
    plain = {**settings.pinned(None), **settings.chosen({})}
    assert freshness._MACHINE[2].items() >= plain.items() or settings.chosen()
    assert {**settings.pinned(None), **settings.chosen({"OMP_NUM_THREADS": "1"})} == plain
    for name in ("GLIBC_TUNABLES", "NPY_DISABLE_CPU_FEATURES", "XLA_FLAGS", "MKL_CBWR"):
        assert {**settings.pinned(None), **settings.chosen({name: "x"})} != plain
    assert settings.chosen({"TF_CPP_MIN_LOG_LEVEL": "2", "TF_CLI_CONFIG_FILE": "x"}) == {}


def test_tox_passes_on_every_variable_that_chooses() -> None:
    """What a user sets outside must arrive in every environment."""
    parser = configparser.RawConfigParser()
    parser.read(ROOT / "tox.ini")
    passed = {line.strip().rstrip("*") for line in parser["testenv"]["pass_env"].splitlines()}
    assert set(settings.PREFIXES) <= passed
    assert not any(setting.variable in parser["testenv"]["set_env"] for setting in settings.PINNED)
