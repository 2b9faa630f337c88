"""Scale-out: commands of the measuring half run by Dask workers, on this machine or on many.

Outside half. Dask distributed schedules; this module submits every command as one task to a
cluster, and hands on what each leaves. ``cluster`` joins or starts the cluster,
``cluster_worker`` is what the Dask workers do.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import uuid
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import distributed
from distributed import Client, Future
from distributed.scheduler import KilledWorker

from harness.environments import cluster, cluster_worker
from harness.environments.cluster_worker import Order, Outcome, Task
from harness.errors import FAILURE, HarnessError
from harness.records import settings
from harness.records.environment import require
from harness.records.project import Project

LOGGER = logging.getLogger(__name__)
Waiting = dict[Hashable, tuple[Future, Task]]
"""What is still to come, by the name of its Dask task."""


def run(project: Project, cases: Sequence[str], address: str, timeout: float,
        plan: Callable[[int], Sequence[Task]], report: Callable[[Task, Outcome], None]) -> None:
    """Run commands on a Dask cluster.

    Args:
        cases: all that they measure.
        address: of a scheduler, ``tcp://host:8786``, or ``local:N`` for N workers here.
        timeout: seconds without any progress after which a framework hangs, or after
            which a cluster without a worker is given up.
        plan: returns the tasks, the longest first, for a number of threads of Dask workers.
        report: called with every task and what became of it, as each is done.

    Raises:
        UsageError: the address is none.
        HarnessError: no scheduler answers, or it goes away; a Dask worker has other
            versions, no checkout of the same sources, or cannot make an environment.
    """
    with cluster.joined(address) as client:
        tasks = plan(sum(client.nthreads().values()) or 1)
        for task in tasks:
            require(task.environment)
        with _set_up(client, _order(project, cases, timeout)) as plugin:
            _measure(client, plugin, tasks, timeout, report)


def _order(project: Project, cases: Sequence[str], timeout: float) -> Order:
    """Return what every Dask worker must know."""
    files = {name: sorted({case.data, *(variant.weights for variant in case.variants)})
             for name in cases for case in [project.case(name)]}
    return Order(str(project.root), files, cluster_worker.sources(project.root, files), timeout,
                 settings.chosen())


# ------------------------------------------------------------------ the cluster
@contextlib.contextmanager
def _set_up(client: Client, order: Order) -> Iterator[str]:
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

            self.runner = cluster_worker.Runner(cluster_worker.Order(**order))
            await self.runner.setup(worker)

        def teardown(self, worker: distributed.Worker) -> None:
            if hasattr(self, "runner"):
                self.runner.teardown()

        def measure(self, task: dict[str, Any]) -> Any:
            from harness.environments import cluster_worker  # where there is none, the task says so

            assert isinstance(self.runner, cluster_worker.Runner)
            return self.runner.measure(cluster_worker.Task(**task))

    return Bridge()


def _misses(error: ModuleNotFoundError) -> HarnessError:
    return HarnessError(f"a Dask worker misses a module: {error}",
                        next_command="there: pip install '.[scale]', or start it in the checkout")


# ------------------------------------------------------------------ the work
def _measure(client: Client, plugin: str, tasks: Sequence[Task], timeout: float,
             report: Callable[[Task, Outcome], None]) -> None:
    """Have everything done, and hand on what comes back; each task counts once."""
    done: queue.SimpleQueue[Future] = queue.SimpleQueue()
    waiting = _submit(client, plugin, tasks, done)
    if not client.nthreads():
        LOGGER.warning("no Dask worker yet; waiting for one up to %g s", timeout)
    try:
        while waiting:
            numbers = f"{len(tasks) - len(waiting)} of {len(tasks)} done"
            future = _next(done, client, timeout, numbers)
            if future.key not in waiting:
                continue
            outcome = _outcome(future, numbers)
            _, task = waiting.pop(future.key)
            future.release()  # or a Dask worker that is lost would be asked to measure it again
            report(task, outcome)
    finally:
        client.cancel([future for future, _ in waiting.values()], force=True)


def _submit(client: Client, plugin: str, tasks: Sequence[Task],
            done: queue.SimpleQueue[Future]) -> Waiting:
    """Submit every task; its future goes into the queue when it is done."""
    def measure(task: dict[str, Any]) -> Any:  # a closure: it goes to a scheduler without harness
        return distributed.get_worker().plugins[plugin].measure(task)

    keys = [(plugin, number) for number in range(len(tasks))]
    futures = client.map(measure, [asdict(task) for task in tasks], key=keys, pure=False)
    for future in futures:
        future.add_done_callback(done.put)
    return {future.key: (future, task) for future, task in zip(futures, tasks, strict=True)}


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


def _outcome(future: Future, numbers: str) -> Outcome:
    """Return what a task has left, or why there is nothing of it.

    Raises:
        HarnessError: the scheduler is gone, or a Dask worker cannot measure at all.
    """
    if future.status == "finished":
        found: Outcome = future.result()
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
        return Outcome(FAILURE, "", f"every Dask worker that was given this died: {error}", {})
    return Outcome(FAILURE, "", f"the Dask worker raised {type(error).__name__}: {error}", {})
