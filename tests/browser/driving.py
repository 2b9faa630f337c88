"""How the browser tests drive the page."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--window-size=1200,900")
CASE, VARIANT, ENVIRONMENT = "xor", "bce_sigmoid-sgd_0.1", "torch-2.1.0"
DETAIL = f"detail?case={CASE}&variant={VARIANT}&env={ENVIRONMENT}&against=previous"
ROWS = ("[...document.querySelectorAll('#cells tbody tr:not(.case)')]"
        ".map(row => row.cells[0].textContent)")
CELLS = "document.querySelectorAll('#cells td a').length"


@contextmanager
def started(*flags: str, logged: tuple[str, ...] = ()) -> Iterator[Any]:
    """Start a Chromium of its own and give its driver; it ends afterwards.

    Args:
        logged: of what the driver keeps a log, all levels.
    """
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", dict.fromkeys(logged, "ALL"))
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_script_timeout(60)
    try:
        yield driver
    finally:
        driver.quit()


def opened(driver, path, hash):
    """Open a page at an address as a link would, and wait until it has drawn itself."""
    driver.get("about:blank")
    driver.get(path.as_uri() + (f"#{hash}" if hash else ""))
    wait_for(driver, "document.body.dataset.ready")
    if hash.startswith("detail"):
        wait_for(driver, "document.querySelector('#detail .panel')")
    return driver


def wait_for(driver: Any, script: str, seconds: float = 20) -> Any:
    """Return the script's value as soon as it is true."""
    end = time.monotonic() + seconds
    while not (value := driver.execute_script(f"return {script}")):
        assert time.monotonic() < end, f"never true: {script}"
        time.sleep(0.05)
    return value


def text_of(driver, selector):
    """Return the text of the first element of a selector."""
    return driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''",
                                 selector)


def choose(driver, filter_name, value):
    """Set a filter of the matrix as a user does."""
    driver.execute_script(
        "const field = document.querySelector(`#filters [name=${arguments[0]}]`);"
        "field.value = arguments[1];"
        "field.dispatchEvent(new Event(field.type === 'search' ? 'input' : 'change'));",
        filter_name, value)


def press(driver, key):
    """Press a key where the focus is."""
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(driver).send_keys(key).perform()


def focused(driver):
    """Return the address that the focused link leads to."""
    return driver.execute_script("return document.activeElement.getAttribute('href')")


def prefer(driver, scheme):
    """Set the colours that the user prefers, light or dark."""
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": scheme}]})


def printed(driver, script):
    """Print the page, and return the script's value as it was on paper."""
    driver.execute_script(
        "window.addEventListener('beforeprint', () => {"
        f"  window.onPaper = (() => {{ {script} }})(); }}, {{once: true}});"
        "window.addEventListener('afterprint', () => { window.offPaper = true; })")
    driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    wait_for(driver, "window.offPaper")
    return driver.execute_script("return window.onPaper")


def serious(driver: Any, width: int) -> tuple[list[Any], int]:
    """Return what axe finds that is serious in a window of a width, and how much is beyond it."""
    from importlib import resources

    axe = resources.files(pytest.importorskip("selenium_axe_python")).joinpath(
        "axe-core", "axe.min.js").read_text(encoding="utf-8")
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
    driver.execute_script(axe)
    found = driver.execute_async_script(
        "axe.run(document, {resultTypes: ['violations']}).then(arguments[0])")
    wide = driver.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    return [(v["id"], v["nodes"][0]["html"][:300], v["nodes"][0]["failureSummary"])
            for v in found["violations"] if v["impact"] in ("serious", "critical")], max(0, wide)
