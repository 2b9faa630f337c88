"""Scale-out: a run's pieces of work done by Dask workers, on this machine or on many.

Outside half. Dask distributed schedules; this module submits every piece as one task to a
cluster, and writes what comes back as a run on this machine would. ``cluster`` joins or starts
the cluster, ``cluster_worker`` is what the Dask workers do.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import uuid
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import distributed
from distributed import Client, Future
from distributed.scheduler import KilledWorker

from harness.environments import cluster, cluster_worker
from harness.errors import HarnessError
from harness.files import write_text
from harness.measure import native_runs, supervisor
from harness.measure.process import Event, explain
from harness.measure.supervisor import Run, Work
from harness.records import settings
from harness.records.environment import family
from harness.records.project import Project

LOGGER = logging.getLogger(__name__)
Tasks = dict[Hashable, tuple[Future, str, Work]]
"""What is still to come, by the name of its Dask task: future, environment, work."""


def run(project: Project, pieces: Mapping[str, list[Work]], address: str, timeout: float,
        report: Mapping[str, Callable[[Event], None]]) -> dict[str, dict[Work, str]]:
    """Measure pieces of work on a Dask cluster; write the records as a run here does.

    Args:
        pieces: by environment.
        address: of a scheduler, ``tcp://host:8786``, or ``local:N`` for N workers here.
        timeout: seconds without any progress after which a framework hangs, or after
            which a cluster without a worker is given up.
        report: by environment, called with every event, when its piece of work is done.

    Returns:
        By environment and piece, why it could not be measured, or not in full.

    Raises:
        UsageError: there is nothing to do, or the address is none.
        LockedError: another run of one of the environments is under way.
        HarnessError: no scheduler answers, or it goes away; a Dask worker has other
            versions, no checkout of the same sources, or cannot make an environment.
    """
    for environment in pieces:
        family(environment)
    collectors = {name: native_runs.Collector(report[name]) for name in pieces}
    with cluster.joined(address) as client, contextlib.ExitStack() as stack:
        plugin = stack.enter_context(_set_up(client, _order(project, pieces, timeout)))
        runs = {name: stack.enter_context(supervisor.begin(project, name, work, collectors[name]))
                for name, work in pieces.items()}
        _measure(client, plugin, runs, timeout)
    failures = {name: runs[name].failed(work) for name, work in pieces.items()}
    for name, collector in collectors.items():
        native_runs.write(project, name, collector, failures[name])
    return failures


def _order(project: Project, pieces: Mapping[str, list[Work]],
           timeout: float) -> cluster_worker.Order:
    """Return what every Dask worker must know."""
    cases = [project.case(name) for name in {one.case for work in pieces.values() for one in work}]
    files = {case.name: sorted({case.data, *(variant.weights for variant in case.variants)})
             for case in cases}
    return cluster_worker.Order(str(project.root), files,
                                cluster_worker.sources(project.root, files), timeout,
                                settings.chosen())


# ------------------------------------------------------------------ the cluster
@contextlib.contextmanager
def _set_up(client: Client, order: cluster_worker.Order) -> Iterator[str]:
    """Have all Dask workers, also later ones, ready for the work; yield the plugin's name."""
    name = f"harness-{uuid.uuid4().hex[:8]}"
    try:
        client.register_plugin(_bridge(asdict(order)), name=name)
        yield name
    except ModuleNotFoundError as error:
        raise _misses(error) from None
    finally:
        with contextlib.suppress(Exception):  # a scheduler that is gone needs no tidying
            client.unregister_worker_plugin(name)


def _bridge(order: dict[str, Any]) -> Any:
    """Return a plugin that a Dask worker can load where harness is not installed."""
    class Bridge(distributed.WorkerPlugin):  # type: ignore[misc]
        async def setup(self, worker: distributed.Worker) -> None:
            folders = [folder for folder in (order["root"], os.getcwd())
                       if os.path.isdir(os.path.join(folder, "harness", "environments"))]
            sys.path += [folder for folder in folders if folder not in sys.path]
            from harness.environments import cluster_worker

            self.frameworks = cluster_worker.Frameworks(cluster_worker.Order(**order))
            await self.frameworks.setup(worker)

        def teardown(self, worker: distributed.Worker) -> None:
            if hasattr(self, "frameworks"):
                self.frameworks.teardown()

        def measure(self, environment: str, work: dict[str, Any]) -> Any:
            from harness.environments import cluster_worker  # where there is none, the task says so

            assert isinstance(self.frameworks, cluster_worker.Frameworks)
            return self.frameworks.measure(environment, work)

    return Bridge()


def _misses(error: ModuleNotFoundError) -> HarnessError:
    return HarnessError(f"a Dask worker misses a module: {error}",
                        next_command="there: pip install '.[scale]', or start it in the checkout")


# ------------------------------------------------------------------ the work
def _measure(client: Client, plugin: str, runs: Mapping[str, Run], timeout: float) -> None:
    """Have everything done, and take in what comes back; each piece counts once."""
    done: queue.SimpleQueue[Future] = queue.SimpleQueue()
    waiting = _submit(client, plugin, runs, done)
    total = len(waiting)
    if not client.nthreads():
        LOGGER.warning("no Dask worker yet; waiting for one up to %g s", timeout)
    try:
        while waiting:
            future = _next(done, client, timeout, f"{total - len(waiting)} of {total} measured")
            if future.key not in waiting:
                continue
            outcome = _outcome(future, f"{total - len(waiting)} of {total} measured")
            _, environment, work = waiting.pop(future.key)
            future.release()  # or a Dask worker that is lost would be asked to measure it again
            take_in(runs[environment], work, outcome)
            if isinstance(outcome, cluster_worker.Outcome) and outcome.is_refused:
                _give_up(runs[environment], waiting, str(outcome.cause))
    finally:
        client.cancel([future for future, _, _ in waiting.values()], force=True)


def _submit(client: Client, plugin: str, runs: Mapping[str, Run],
            done: queue.SimpleQueue[Future]) -> Tasks:
    """Submit every piece of work; its future goes into the queue when it is done."""
    tasks = [(name, work) for name, run in runs.items() for work in run.pending]
    keys = [(plugin, number) for number in range(len(tasks))]
    futures = client.map(_task(plugin), [name for name, _ in tasks],
                         [asdict(work) for _, work in tasks], key=keys, pure=False)
    for future in futures:
        future.add_done_callback(done.put)
    return {future.key: (future, *task) for future, task in zip(futures, tasks, strict=True)}


def _task(plugin: str) -> Callable[[str, dict[str, Any]], cluster_worker.Outcome]:
    """Return what a Dask worker calls: a closure, which goes to a scheduler without harness."""
    def measure(environment: str, work: dict[str, Any]) -> Any:
        return distributed.get_worker().plugins[plugin].measure(environment, work)

    return measure


def _next(done: queue.SimpleQueue[Future], client: Client, timeout: float, numbers: str) -> Future:
    """Return the next task that is done.

    Raises:
        HarnessError: for a long time there is none, and no Dask worker either.
    """
    while True:
        try:
            return done.get(timeout=timeout)
        except queue.Empty:
            if not client.nthreads():
                raise HarnessError(f"no Dask worker for {timeout:g} s", client.scheduler.address,
                                   numbers, "dask worker ADDRESS --nthreads 1") from None


def _outcome(future: Future, numbers: str) -> cluster_worker.Outcome | str:
    """Return what a task has measured, or why there is nothing of it.

    Raises:
        HarnessError: the scheduler is gone, or a Dask worker cannot measure at all.
    """
    if future.status == "finished":
        found: cluster_worker.Outcome = future.result()
        return found
    if future.status != "error":
        raise HarnessError("the Dask scheduler is gone", numbers=numbers,
                           next_command="start it again, then this command")
    error = future.exception()
    if isinstance(error, HarnessError):
        raise error
    if isinstance(error, ModuleNotFoundError):
        raise _misses(error)
    if isinstance(error, KilledWorker):
        return f"every Dask worker that was given this died: {error}"
    return f"the Dask worker raised {type(error).__name__}: {error}"


def take_in(run: Run, work: Work, outcome: cluster_worker.Outcome | str) -> None:
    """Write what was measured of a piece of work, as a worker of this machine would."""
    if isinstance(outcome, str):
        run.fail(work, outcome)
        return
    with run.log.open("a", encoding="utf-8") as log:
        log.write(outcome.errors)
    if outcome.record is not None:
        write_text(supervisor.record_path(run.project, work, run.environment), outcome.record)
    for event in outcome.events:
        run.hear(work, event)
    if outcome.cause is not None:
        run.fail(work, outcome.cause if outcome.is_refused else explain(outcome.cause, run.log))


def _give_up(run: Run, waiting: Tasks, message: str) -> None:
    """Let everything else in an environment fail with the words of the worker that refused."""
    for key in [key for key, (_, name, _) in waiting.items() if name == run.environment]:
        future, _, work = waiting.pop(key)
        future.cancel(force=True)
        run.fail(work, message)
