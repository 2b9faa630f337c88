"""The worker: measures cases in one environment and writes their records.

Inside half: standard library, NumPy, and the one framework its adapter imports.
``harness run`` starts it as a process of its own, so that a crash or a hang of
a framework is an event and not the end of everything. It is told what to do in JSON
lines on standard input, and tells what it does in JSON lines on standard output;
whatever a framework prints goes to standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import importlib.util
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterable

from harness.errors import FAILURE, MATCH, HarnessError, UnsupportedError, WorkerError, explain
from harness.measure import dropout, invariances, probes
from harness.measure.adapters.loading import load
from harness.measure.adapters.task import prepare
from harness.records import freshness, provenance, writing
from harness.records.environment import require
from harness.records.project import Project, select_variants
from harness.records.record import Record, VariantRecord
from harness.vocabulary.case import PRECISIONS, Batches, Case, Variant

Emit = Callable[..., None]
FINGERPRINT_SEED = 0
"""Of the native run whose beginning is kept in the record."""


def serve(project: Project, environment: str, orders: Iterable[str], emit: Emit) -> None:
    """Do the pieces of work that come in, one JSON object a line, until there are no more.

    Args:
        orders: lines, each a ``harness.measure.supervisor.Work``.
        emit: called with an event's name and fields as work goes on.
    """
    started = time.perf_counter()
    adapter = load(environment)
    check_version(environment)
    emit("imported", seconds=time.perf_counter() - started)
    for line in orders:
        work = json.loads(line)
        try:
            do = measure if work["seed"] is None else measure_native
            emit("recorded", **do(project, environment, adapter, work, emit))
        except (HarnessError, OSError) as error:  # its four parts say all there is to say
            emit("failed", case=work["case"], message=str(explain(error)))
        except Exception as error:
            traceback.print_exc()
            emit("failed", case=work["case"], message=f"{type(error).__name__}: {error}")


def measure(project: Project, environment: str, adapter: Any, work: dict[str, Any],
            emit: Emit) -> dict[str, Any]:
    """Do one piece of work and write its record; return what there is to tell of it."""
    case, started = project.case(work["case"]), time.perf_counter()
    emit("case", case=case.name)
    with under(adapter, work["fault"]):
        record = measure_case(project, environment, adapter, case, list(work["variants"]), emit)
    record.provenance["seconds"] = round(time.perf_counter() - started, 1)
    broken = sorted(name for name, v in record.variants.items() if v.error is not None)
    if broken:
        record.provenance["errors"] = broken
    home = project.under(work["fault"]) if work["fault"] else project
    is_partial = bool(work["variants"]) and not work["fault"]
    place = home.partial_path if is_partial else home.run_path
    writing.write(record, place(case.name, environment))
    return {"case": case.name, "fault": work["fault"], "variants": len(record.variants),
            "errors": len(broken),
            "unsupported": {name: v.unsupported for name, v in record.variants.items()
                            if v.unsupported is not None},
            "seconds": time.perf_counter() - started}


def measure_native(project: Project, environment: str, adapter: Any, work: dict[str, Any],
                   emit: Emit) -> dict[str, Any]:
    """Do one native run; return it with its provenance, for the record of all seeds."""
    case, started = project.case(work["case"]), time.perf_counter()
    variant = select_variants(case, work["variants"])[0]
    emit("training", case=case.name, variant=variant.name, seed=work["seed"])
    evaluation = project.batches(case).evaluation
    with under(adapter, work["fault"]):
        run = submodule(adapter, "native").run(case, variant, evaluation, work["seed"])
    return {"case": case.name, "fault": work["fault"], "variant": variant.name,
            "native": dataclasses.asdict(run),
            "provenance": origin(project, case, adapter),
            "seconds": time.perf_counter() - started}


def origin(project: Project, case: Case, adapter: Any) -> dict[str, Any]:
    """Return the provenance of what this process measures of a case."""
    found = provenance.collect(project.sha256(case.data), adapter.describe())
    found["packages"].update(adapter.packages() if hasattr(adapter, "packages") else {})
    data = [case.data, *(variant.weights for variant in case.variants)]
    return {**found, "inputs": freshness.digests(project.root, case.name, data)}


def measure_case(project: Project, environment: str, adapter: Any, case: Case,
                 patterns: list[str] | None, emit: Emit) -> Record:
    """Return the record of one case."""
    batches = project.batches(case)
    record = Record(case.name, environment, origin(project, case, adapter), {})
    if patterns:
        record.provenance["selection"] = patterns
    for variant in select_variants(case, patterns):
        record.variants[variant.name] = measure_variant(project, adapter, case, variant,
                                                        batches, emit)
    return record


def measure_variant(project: Project, adapter: Any, case: Case, variant: Variant,
                    batches: Batches, emit: Emit) -> VariantRecord:
    """Return one variant's trajectories, or why there are none."""
    measured = VariantRecord(project.sha256(variant.weights))
    try:
        weights = project.weights(variant)
        expected: list[Any] = []
        for precision in PRECISIONS:
            emit("training", case=case.name, variant=variant.name, precision=precision)
            task = prepare(case, variant, precision, batches, weights)
            training = adapter.build(task)
            measured.trajectories[precision] = training.train()
            started = time.perf_counter()
            # not before it is known that the framework can train it
            expected = expected or probes.expect_all(case, variant, batches, weights)
            measured.probes[precision] = probes.measure(task, training, expected)
            measured.invariances[precision] = invariances.measure(task, training)
            drops = dropout.measure(task, training)
            if drops is not None:
                measured.drops[precision] = drops
            emit("probed", case=case.name, seconds=time.perf_counter() - started)
        trains_natively = importlib.util.find_spec(f"{adapter.__name__}.native") is not None
        if trains_natively and case.native and variant.name in case.native.variants:
            measured.fingerprint = submodule(adapter, "native").fingerprint(
                case, variant, batches.evaluation, FINGERPRINT_SEED)
    except UnsupportedError as error:
        return VariantRecord(measured.weights_sha256, unsupported=error.what)
    except Exception as error:
        print(f"{case.name} {variant.name}:", file=sys.stderr)
        traceback.print_exc()
        return VariantRecord(measured.weights_sha256,
                             error=f"{type(error).__name__}: {error}"[:2000])
    return measured


def under(adapter: Any, fault: str | None) -> ContextManager[None]:
    """Return the context in which the framework has a fault, or one in which it has none."""
    if fault is None:
        return contextlib.nullcontext()
    return submodule(adapter, "faults").PATCHES[fault]()  # type: ignore[no-any-return]


def submodule(adapter: Any, name: str) -> Any:
    """Return a module of an adapter's package.

    Raises:
        UnsupportedError: the adapter has no such part.
    """
    try:
        return importlib.import_module(f"{adapter.__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{adapter.__name__}.{name}":
            raise
        raise UnsupportedError(f"{adapter.__name__} has no {name}") from None


def check_version(environment: str) -> None:
    """Refuse to measure under a name that is not what is installed.

    A local build tag is accepted: 2.13.0+cpu is 2.13.0. ``keras-nightly`` is the name of
    a distribution, any version of which will do.
    """
    wanted = require(environment)
    names = wanted.distributions
    if not names:
        return
    packages = provenance.packages()
    installed = {name: packages[name] for name in names if name in packages}
    if any(version.split("+")[0] == wanted.version or wanted.is_build
           for version in installed.values()):
        return
    found = ", ".join(f"{name} {version}" for name, version in installed.items())
    raise WorkerError(f"this interpreter is not the environment {environment}", sys.prefix,
                      f"{found or f'no {names[0]}'}, asked for {wanted.version}",
                      f"tox run -e {environment}")


def main() -> int:
    """Measure what comes in on standard input; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m harness.measure.worker")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--environment", required=True)
    options = parser.parse_args()
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(event: str, **fields: Any) -> None:
        try:
            events.write(json.dumps({"event": event, **fields}) + "\n")
            events.flush()
        except OSError:  # nobody listens any more: no error of a variant, and no record
            os._exit(FAILURE)

    try:
        serve(Project(options.root, options.runs), options.environment, sys.stdin, emit)
    except HarnessError as error:
        traceback.print_exc()
        emit("refused", message=str(error))
        return FAILURE
    return MATCH


if __name__ == "__main__":
    sys.exit(main())
