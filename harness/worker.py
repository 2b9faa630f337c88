"""The worker: measures cases in one environment and writes their records.

Inside half: standard library, NumPy, and the one framework its adapter imports.
``harness run`` starts it as a process of its own, so that a crash or a hang of
a framework is an event and not the end of everything. It tells what it does in
JSON lines on standard output; whatever a framework prints goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from importlib import metadata
from pathlib import Path
from typing import Any, Callable

from harness import adapters, provenance, serialization
from harness.case import PRECISIONS, Batches, Case, Variant
from harness.errors import FAILURE, MATCH, HarnessError, UnsupportedError, WorkerError
from harness.project import Project, select_variants
from harness.record import Record, VariantRecord

Emit = Callable[..., None]


def measure(project: Project, environment: str, cases: list[Case],
            patterns: list[str] | None, emit: Emit) -> bool:
    """Measure the cases one after another; return whether all left a record.

    Args:
        patterns: shell patterns of variants; None for all.
        emit: called with an event's name and fields as work goes on.
    """
    started = time.perf_counter()
    adapter = adapters.load(environment)
    check_version(environment)
    emit("imported", seconds=time.perf_counter() - started)
    complete = True
    for case in cases:
        emit("case", case=case.name)
        started = time.perf_counter()
        try:
            record = measure_case(project, environment, adapter, case, patterns, emit)
        except Exception as error:
            traceback.print_exc()
            emit("failed", case=case.name, message=f"{type(error).__name__}: {error}")
            complete = False
            continue
        seconds = time.perf_counter() - started
        serialization.write(record, project.run_path(case.name, environment))
        broken = [name for name, v in record.variants.items() if v.error is not None]
        emit("recorded", case=case.name, variants=len(record.variants), errors=len(broken),
             unsupported=sum(v.unsupported is not None for v in record.variants.values()),
             seconds=seconds)
        complete = complete and not broken
    return complete


def measure_case(project: Project, environment: str, adapter: Any, case: Case,
                 patterns: list[str] | None, emit: Emit) -> Record:
    """Return the record of one case."""
    batches = project.batches(case)
    origin = provenance.collect(project.sha256(case.data), adapter.describe())
    if patterns:
        origin["selection"] = patterns
    record = Record(case.name, environment, origin, {})
    for variant in select_variants(case, patterns):
        record.variants[variant.name] = measure_variant(project, adapter, case, variant,
                                                        batches, emit)
    return record


def measure_variant(project: Project, adapter: Any, case: Case, variant: Variant,
                    batches: Batches, emit: Emit) -> VariantRecord:
    """Return one variant's trajectories, or why there are none."""
    measured = VariantRecord(project.sha256(variant.weights))
    weights = project.weights(variant)
    for precision in PRECISIONS:
        emit("training", case=case.name, variant=variant.name, precision=precision)
        task = adapters.prepare(case, variant, precision, batches, weights)
        try:
            measured.trajectories[precision] = adapter.train(task)
        except UnsupportedError as error:
            return VariantRecord(measured.weights_sha256, unsupported=error.what)
        except Exception as error:
            print(f"{case.name} {variant.name} {precision}:", file=sys.stderr)
            traceback.print_exc()
            return VariantRecord(measured.weights_sha256,
                                 error=f"{type(error).__name__}: {error}"[:2000])
    return measured


def check_version(environment: str) -> None:
    """Refuse to measure under a name that is not what is installed.

    A local build tag is accepted: 2.13.0+cpu is 2.13.0.
    """
    name = adapters.FAMILIES[adapters.family(environment)][1]
    if not name:
        return
    asked = environment.split("-", 1)[1]
    installed = metadata.version(name)
    if installed.split("+")[0] != asked:
        raise WorkerError(f"this interpreter is not the environment {environment}",
                          sys.prefix, f"{name} {installed}, asked for {asked}",
                          f"tox run -e {environment}")


def main() -> int:
    """Measure what the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m harness.worker")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--variant", action="append")
    parser.add_argument("cases", nargs="+")
    options = parser.parse_args()
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(event: str, **fields: Any) -> None:
        events.write(json.dumps({"event": event, **fields}) + "\n")
        events.flush()

    project = Project(options.root)
    try:
        complete = measure(project, options.environment, project.cases(options.cases),
                           options.variant, emit)
    except HarnessError as error:
        traceback.print_exc()
        emit("refused", message=str(error))
        return FAILURE
    return MATCH if complete else FAILURE


if __name__ == "__main__":
    sys.exit(main())
