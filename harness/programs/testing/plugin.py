"""The pytest plugin: the fixture ``training``, and the options that write its baselines anew.

Outside half; pytest finds it by the package's entry point, so nothing heavy is imported before a
test asks for the fixture. Options are those of pytest-regressions, and are its own where that is
installed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.programs.testing.checking import Training

REGENERATE = (
    ("--force-regen", "write baselines anew where they differ, and fail"),
    ("--regen-all", "write all baselines anew, and pass"),
)
"""Options as pytest-regressions has them."""
REASON = "--regen-reason"
"""The option that says why a baseline that is there is written anew."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, but for those that another plugin has already."""
    group = parser.getgroup("training", "training regression harness")
    for name, words in REGENERATE:
        with contextlib.suppress(ValueError):  # pytest-regressions has added it
            group.addoption(name, action="store_true", default=False, help=words)
    group.addoption(REASON, metavar="TEXT", help="why baselines of trainings are written anew")


@pytest.fixture
def training(request: pytest.FixtureRequest) -> Training:
    """Return what checks a training against the baseline beside the test."""
    from harness.programs.testing.checking import Asked, Training

    option: Callable[..., Any] = request.config.getoption
    asked = Asked(bool(option("force_regen", False)), bool(option("regen_all", False)),
                  option("regen_reason", None), REASON)
    return Training(request.node.nodeid, request.node.path, request.config.rootpath, asked,
                    _teller(request.config))


def _teller(config: pytest.Config) -> Callable[[str], None]:
    """Return what shows a line while a test runs; in a process of pytest-xdist nobody sees one."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    starts = iter(("\n",))  # after the dots of tests that have ended

    def tell(text: str) -> None:
        if reporter is None:
            return
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            reporter.write_line(next(starts, "") + text)

    return tell
