"""A real Chromium that opens the report from a file, offline."""

import json

import pytest

from harness.report.page.render import render
from tests.browser.driving import CASE, CHROMIUM, DRIVER, ENVIRONMENT, VARIANT, opened, started
from tests.kit.page_facts import facts


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """Return a driver of a Chromium, and a folder for pages."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs chromium and chromedriver: apt-get install chromium chromium-driver")
    pytest.importorskip("selenium.webdriver")
    folder = tmp_path_factory.mktemp("report")
    with started(f"--user-data-dir={folder / 'profile'}", logged=("browser", "performance")
                 ) as driver:
        yield driver, folder


@pytest.fixture(scope="session")
def given():
    """Return the facts of the page: one drift, found by a probe, among what agrees."""
    found = facts()
    for c in found["comparisons"]:
        if [c[k] for k in ("case", "variant", "observed", "against")] == [
                CASE, VARIANT, ENVIRONMENT, "previous"]:
            c.update(verdict="drift", findings=[2, 3], cause=3, worst=2, problem="")
    return found


@pytest.fixture
def page(chromium, given):
    """Return a function that opens the page at an address, and gives the driver.

    Afterwards the console must be silent, and no request may have left.
    """
    driver, folder = chromium
    path = folder / "report.html"
    if not path.exists():
        path.write_text(render(given), encoding="utf-8")
    yield lambda hash="", at=path: opened(driver, at, hash)
    assert driver.get_log("browser") == []
    sent = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    addresses = [m["params"]["request"]["url"] for m in sent
                 if m["method"] == "Network.requestWillBeSent"
                 and m["params"]["documentURL"].startswith("file:")]
    assert addresses
    assert [a for a in addresses if not a.startswith(("file:", "data:", "blob:"))] == []
