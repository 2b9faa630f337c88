"""The Dask cluster of a run: one that is there is joined, one on this machine started.

Outside half. Whoever can connect to a cluster can run anything as its user, so one that is
started here has a new key that stays in memory, and serves nothing without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import warnings
from collections.abc import Iterator

import dask
import distributed
from distributed import Client, LocalCluster
from distributed.versions import VersionMismatchWarning

from harness.errors import HarnessError, UsageError

CONNECT_SECONDS = 10
"""To wait for a scheduler's answer."""
LOCAL = {
    # a task waits at the scheduler, not behind another one at a Dask worker
    "distributed.scheduler.worker-saturation": 1.0,
    # pages that Dask serves without credentials
    "distributed.scheduler.http.routes": [], "distributed.worker.http.routes": [],
}
"""Dask's configuration for a cluster on this machine."""


@contextlib.contextmanager
def joined(address: str) -> Iterator[Client]:
    """Join a cluster, or start one here.

    Raises:
        UsageError: the address is none.
        HarnessError: no scheduler answers there, or one of another version.
    """
    local = re.fullmatch(r"local:([1-9]\d*)", address)
    if not local and "://" not in address:
        raise UsageError(f"{address!r} is no scheduler",
                         numbers="known: local:N, tcp://HOST:PORT, tls://HOST:PORT",
                         next_command="harness run --scheduler local:2 ...")
    with contextlib.ExitStack() as stack:
        security = distributed.Security()  # what the user's own configuration says
        if local:
            security = _credentials()
            stack.enter_context(dask.config.set(LOCAL))
            address = stack.enter_context(LocalCluster(
                n_workers=int(local[1]), threads_per_worker=1, host="127.0.0.1",
                security=security, dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False})).scheduler_address
        client = stack.enter_context(_connect(address, security))
        _check_versions(client, address)
        yield client


def _credentials() -> distributed.Security:
    """Return a new key for one cluster: whoever may connect may run anything as this user.

    Raises:
        UsageError: what makes keys is not installed.
    """
    try:
        return distributed.Security.temporary()
    except ImportError as error:
        raise UsageError("a cluster on this machine needs keys", numbers=str(error),
                         next_command="pip install '.[scale]'") from None


def _connect(address: str, security: distributed.Security) -> Client:
    try:
        found = asyncio.run(asyncio.wait_for(_identify(address, security), CONNECT_SECONDS))
        if found != "Scheduler":
            raise OSError(f"a Dask {found} is there")
        with warnings.catch_warnings():  # said below, as an error
            warnings.simplefilter("ignore", VersionMismatchWarning)
            return Client(address, timeout=CONNECT_SECONDS, set_as_default=False,
                          security=security)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise HarnessError("no Dask scheduler answers", address,
                           f"{type(error).__name__} within {CONNECT_SECONDS} s: {error} "
                           f"{error.__cause__ or ''}".rstrip(),
                           "dask scheduler, then dask worker ADDRESS --nthreads 1") from None


async def _identify(address: str, security: distributed.Security) -> str:
    """Return what is there; Dask's own client waits for ever for a server that is not Dask's."""
    async with distributed.rpc(address, timeout=0.8 * CONNECT_SECONDS,
                               connection_args=security.get_connection_args("client")) as server:
        return str((await server.identity())["type"])


def _check_versions(client: Client, address: str) -> None:
    """Refuse another Dask than here, and another Python: closures go to the Dask workers."""
    versions = client.get_versions()
    for name, found in [("the scheduler", versions["scheduler"]), *versions["workers"].items()]:
        for package, length in (("distributed", None), ("python", 2)):
            there, mine = (".".join(one["packages"][package].split(".")[:length])
                           for one in (found, versions["client"]))
            if there != mine:
                raise HarnessError(f"{name} runs another version of {package}", address,
                                   f"{there}, here {mine}", "install the same in both places")
