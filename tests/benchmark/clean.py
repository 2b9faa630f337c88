"""Clean runs: nothing is wrong, but threads, instruction sets or NumPy are others.

Outside half. Whatever alarms at one of them raises a false alarm.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from harness.compare.checks.finding import Comparison
from harness.compare.compare import KINDS, Question, Report, compare
from harness.environments import names as environments
from harness.errors import HarnessError
from harness.records import settings
from harness.records.environment import REFERENCE, require
from harness.records.project import Project
from harness.records.record import Record
from harness.records.settings import PREFIXES
from harness.store.store import Store
from tests.benchmark.rules import RULES

HARNESS = "this harness"
AVX512 = ("avx512f", "avx512bw", "avx512dq", "avx512vl")


@dataclass(frozen=True)
class Setting:
    """One way to measure that must make no difference.

    Args:
        families: of environments to which it applies.
        variables: environment variables; all others that choose kernels are unset.
        jobs: number of workers; None for one a core.
        numpy: version of NumPy, in a throw-away environment; None for the pinned one.
        flags: of /proc/cpuinfo, without which it cannot be measured.
    """

    name: str
    families: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    jobs: int | None = None
    numpy: str | None = None
    flags: tuple[str, ...] = ()


TENSORFLOW = ("tensorflow", "keras")
ALL = (REFERENCE, "torch", *TENSORFLOW)
X86_V3 = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
"""NumPy's names, from 2.4 on, of what is beyond SSE4.2; without the first, of AVX-512."""
X86_V4 = X86_V3.partition(" ")[2]
NO_AVX = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX,-FMA,-FMA4,-AVX512F"}
TWO_THREADS = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2",
               "TF_NUM_INTRAOP_THREADS": "2"}
OLD = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41",
       "OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": X86_V3,
       "MKL_CBWR": "COMPATIBLE", **NO_AVX}
"""A processor of 2007, as far as switches go."""


def _each(prefix: str, families: tuple[str, ...], variable: str,
          *values: str) -> tuple[Setting, ...]:
    """Return a setting for each value of a variable."""
    return tuple(Setting(f"{prefix}_{value.lower()}", families, {variable: value})
                 for value in values)


SETTINGS = (
    Setting("pinned", ALL),
    # what libraries choose by themselves: a variable that is empty pins nothing
    Setting("unpinned", (REFERENCE, "torch"),
            {setting.variable: "" for setting in settings.PINNED if setting.needs}),
    Setting("old_processor", ALL, OLD),
    Setting("threads_2", ALL, TWO_THREADS, jobs=1),
    Setting("threads_2_zen", (REFERENCE, "torch", "keras"), {
        **TWO_THREADS, "OPENBLAS_CORETYPE": "Zen", "MKL_CBWR": "AVX2"}, jobs=1),
    *_each("aten", ("torch",), "ATEN_CPU_CAPABILITY", "default", "avx2"),
    # torch does not ask the processor before it obeys
    Setting("aten_avx512", ("torch",), {"ATEN_CPU_CAPABILITY": "avx512"}, flags=AVX512),
    *_each("mkl", ("torch",), "MKL_CBWR", "COMPATIBLE", "AVX2"),
    *_each("mkl_instructions", ("torch",), "MKL_ENABLE_INSTRUCTIONS", "SSE4_2", "AVX2"),
    *_each("onednn", ("torch",), "ONEDNN_MAX_CPU_ISA", "SSE41", "AVX", "AVX2", "AVX512_CORE",
           "AVX512_CORE_AMX"),
    *_each("openblas", (REFERENCE, "torch"), "OPENBLAS_CORETYPE", "Prescott", "Sandybridge",
           "Haswell", "Zen"),
    Setting("openblas_skylakex", (REFERENCE, "torch"), {"OPENBLAS_CORETYPE": "SkylakeX"},
            flags=AVX512),
    Setting("numpy_without_avx512", (REFERENCE, "torch"), {"NPY_DISABLE_CPU_FEATURES": X86_V4}),
    Setting("numpy_without_avx2", (REFERENCE, "torch"), {"NPY_DISABLE_CPU_FEATURES": X86_V3}),
    Setting("libm_without_avx", (REFERENCE, "torch"), NO_AVX),
    *(Setting(f"numpy_{version}", (REFERENCE,), numpy=version)
      for version in ("1.26.4", "2.0.2", "2.2.6")),
)


@dataclass(frozen=True)
class Trial:
    """One clean comparison.

    Args:
        against: ``baseline``, ``previous`` or ``reference``.
        alarms: by rule, the harness included, whether it alarms.
        sentence: what the harness says if it does.
    """

    environment: str
    setting: str
    against: str
    case: str
    variant: str
    alarms: Mapping[str, bool]
    sentence: str = ""


def plan(environments: Sequence[str], patterns: Sequence[str]) -> list[tuple[str, Setting]]:
    """Return environment and setting of every clean run, setting by setting."""
    return [(name, setting) for setting in SETTINGS for name in environments
            if require(name).framework in setting.families
            and (not patterns or any(fnmatchcase(setting.name, p) for p in patterns))]


def home(project: Project, setting: Setting) -> Project:
    """Return the checkout with the records of a setting as its runs."""
    return Project(project.root, project.root / "results" / "clean" / setting.name)


def lacking(setting: Setting) -> list[str]:
    """Return what this machine's processor lacks for a setting."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if setting.flags else ""
    return sorted(set(setting.flags) - set(text.split()))


# ----------------------------------------------------------------- measuring
def is_measured(project: Project, environment: str) -> bool:
    """Return whether a run has left a record of every case."""
    return all(project.run_path(case, environment).exists() for case in project.case_names())


def measure(project: Project, setting: Setting, environment: str) -> None:
    """Measure all cases of an environment under a setting.

    Raises:
        HarnessError: something could not be measured, or the throw-away environment not
            be made.
    """
    measured = home(project, setting)
    for case in measured.case_names():  # no older record may pass for this run's
        measured.run_path(case, environment).unlink(missing_ok=True)
    python = [_make_environment(project.root, setting.numpy)] if setting.numpy \
        else pinned_python(environment)
    arguments = ["--environment", environment, "--runs", str(measured.runs)]
    arguments += ["--jobs", str(setting.jobs)] if setting.jobs else []
    run([*python, "-m", "harness", "run", *arguments], project.root,
        measured.runs / "logs" / f"{environment}.output.txt", setting.variables)


def pinned_python(environment: str) -> list[str]:
    """Return the command that starts the interpreter of a pinned environment."""
    return ["tox", "exec", "-q", "-e", environment, "--", "python"]


def run(command: Sequence[str], root: Path, log: Path,
        variables: Mapping[str, str] | None = None) -> None:
    """Run a command with its output in a file and no switches but the given ones.

    Raises:
        HarnessError: it ends with another exit code than 0.
    """
    bare = {k: v for k, v in os.environ.items() if not k.startswith(PREFIXES)}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            code = subprocess.run(command, cwd=root, env={**bare, **(variables or {})},
                                  stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=subprocess.STDOUT, check=False).returncode
        except OSError as error:
            raise HarnessError(str(error), " ".join(command)) from None
    if code:
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
        raise HarnessError(f"exit code {code}: {' / '.join(last)}", str(log))


def _make_environment(root: Path, numpy: str) -> str:
    """Return the interpreter of an environment with another NumPy, made if need be."""
    folder = root / ".tox" / f"clean-numpy-{numpy}"
    python = folder / "bin" / "python"
    log = folder.parent / f"{folder.name}.log"
    if not python.exists():
        run(["uv", "venv", "--python", sys.executable, str(folder)], root, log)
    run(["uv", "pip", "install", "--python", str(python), f"numpy=={numpy}"], root, log)
    return str(python)


# ----------------------------------------------------------------- comparing
def trials(project: Project, setting: Setting,
           environment: str) -> tuple[list[Trial], list[str]]:
    """Return every comparison of what was measured, and why others could not be made.

    With its own baseline and the previous version's, and with the reference where no waiver is
    concerned.
    """
    measured = home(project, setting)
    missing = [case for case in measured.case_names()
               if not measured.run_path(case, environment).exists()]
    problems = [f"{case}: no record" for case in missing]
    cases = tuple(case for case in measured.case_names() if case not in missing)
    found: list[Trial] = []
    for against in _sides(project, environment, cases):
        try:
            report = _compare(measured, Question((environment,), against, cases))
        except HarnessError as error:
            problems.append(f"against {against}: {error}")
            continue
        problems += [f"{c.case} against {against}: {c.problem}"
                     for c in report.comparisons if c.variant == "*"]
        if against == "baseline":
            problems += [f"{record.case}: {why}" for record in report.observed.values()
                         for why in _not_applied(setting, record)]
        found += _trials(report, setting.name)
    return found, problems


def _sides(project: Project, environment: str, cases: Sequence[str]) -> list[str]:
    """Return the kinds of comparison that an environment has."""
    known = Store(project).accepted(cases[0]) if cases else []
    lacking = {"previous": environments.previous(environment, known) is None,
               REFERENCE: environment == REFERENCE}
    return [kind for kind in KINDS if not lacking.get(kind)]


def _compare(project: Project, question: Question) -> Report:
    if not question.cases:
        raise HarnessError("nothing was measured", str(project.runs))
    return compare(project, question)


def _trials(report: Report, setting: str) -> Iterator[Trial]:
    for c in report.comparisons:
        waived = c.against != "baseline" and c.waivers and not c.open_findings
        if c.variant == "*" or waived:
            continue
        yield Trial(c.observed, setting, c.against, c.case, c.variant,
                    {HARNESS: bool(c.problem or c.open_findings), **_alarms(report, c)},
                    c.problem or (c.worst.sentence if c.open_findings and c.worst else ""))


def _alarms(report: Report, comparison: Comparison) -> dict[str, bool]:
    """Return by rule whether it alarms; no rule does where there are no two curves."""
    sides = [records[comparison.case, name].variants.get(comparison.variant)
             for records, name in ((report.observed, comparison.observed),
                                   (report.baselines, comparison.baseline))]
    curves = [side.trajectories.get("float32") for side in sides if side]
    if len(curves) < 2 or curves[0] is None or curves[1] is None:
        return {rule.name: False for rule in RULES}
    return {rule.name: rule.alarms(curves[0], curves[1]) for rule in RULES}


def _not_applied(setting: Setting, record: Record) -> Iterator[str]:
    """Yield what the record says of its provenance that is not the setting."""
    variables = record.provenance.get("variables", {})
    for name, value in setting.variables.items():
        if variables.get(name) != value:
            yield f"{name}={value} did not arrive: is it in pass_env of tox.ini?"
    numpy = record.provenance.get("packages", {}).get("numpy")
    if setting.numpy not in (None, numpy):
        yield f"measured with NumPy {numpy} instead of {setting.numpy}"
