"""A real Firefox, driven by WebDriver BiDi, which it speaks itself: no driver is needed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
PREFERENCES = {"app.update.enabled": False, "browser.shell.checkDefaultBrowser": False,
               "datareporting.policy.dataSubmissionEnabled": False,
               "network.captive-portal-service.enabled": False,
               "network.connectivity-service.enabled": False,
               "browser.safebrowsing.malware.enabled": False,
               "browser.safebrowsing.phishing.enabled": False,
               "services.settings.server": "data:,", "toolkit.telemetry.enabled": False}
"""What keeps it from asking the network for anything."""
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
SECONDS = 60


class Firefox:
    """One tab.

    Args:
        socket: to the browser.
    """

    def __init__(self, socket: Any) -> None:
        self.socket, self.said = socket, 0
        self.errors: list[str] = []
        self.ask("session.new", capabilities={})
        self.context = self.ask("browsingContext.getTree")["contexts"][0]["context"]
        self.ask("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self.requests: list[str] = []

    def ask(self, method: str, **parameters: Any) -> Any:
        """Return the answer to a command, and keep what happens meanwhile."""
        self.said += 1
        self.socket.send(json.dumps({"id": self.said, "method": method, "params": parameters}))
        while True:
            told = json.loads(self.socket.recv())
            if told.get("method") == "log.entryAdded" and told["params"]["level"] == "error":
                self.errors.append(told["params"]["text"])
            elif told.get("method") == "network.beforeRequestSent":
                self.requests.append(told["params"]["request"]["url"])
            elif told.get("id") == self.said:
                assert told["type"] == "success", told
                return told["result"]

    def get(self, address: str) -> None:
        """Open an address."""
        self.ask("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def execute_script(self, script: str, *arguments: Any) -> Any:
        """Return what the body of a function returns; of a promise, what it comes to."""
        found = self.ask("script.evaluate", awaitPromise=True, target={"context": self.context},
                         expression="(async () => JSON.stringify((await (async function () {"
                                    f"{script}}}).apply(null, {json.dumps(arguments)})) "
                                    "?? null))()")
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"])

    def resize(self, width: int, height: int) -> None:
        """Give the page a size, in CSS pixels."""
        self.ask("browsingContext.setViewport", context=self.context,
                 viewport={"width": width, "height": height})


@contextmanager
def started(folder: Path, **preferences: Any) -> Iterator[Firefox]:
    """Start a Firefox of its own and give its tab; it ends afterwards.

    Args:
        folder: takes its profile.
        preferences: of its own, besides those that keep it silent; dots are underscores.
    """
    import websocket

    folder.mkdir(parents=True)
    wanted = PREFERENCES | preferences
    (folder / "user.js").write_text("".join(
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in wanted.items()))
    with subprocess.Popen([str(FIREFOX), "--headless", "--no-remote", "--profile", str(folder),
                           "--remote-debugging-port", "0"], stderr=subprocess.PIPE, text=True,
                          stdout=subprocess.DEVNULL) as process:
        try:
            assert process.stderr is not None
            found = next(filter(None, map(LISTENING.search, process.stderr)))
            socket = websocket.create_connection(f"{found.group(1)}/session", timeout=SECONDS,
                                                 suppress_origin=True)
            yield Firefox(socket)
        finally:
            process.terminate()
