"""The report in a real Chromium: it opens offline, draws, and shows the JSON's numbers."""

import json
import shutil
import time

import pytest

from harness.finding import Verdict
from harness.report import write
from tests.test_report import HOSTILE, LOSS, PROJECT, WAIVER, comparison, record, report_of

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver: "
                       "apt-get install chromium chromium-driver"),
]
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--window-size=1200,900")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return a Chromium that has opened a report, and the report's JSON."""
    webdriver = pytest.importorskip("selenium.webdriver")
    folder = tmp_path_factory.mktemp("report")
    loss = [*(1.5 * value for value in LOSS[:-3]), float("nan"), float("inf"), 1.0]
    sides = [record("torch-2.13.0", loss), record(HOSTILE, [1.1 * value for value in LOSS])]
    write(report_of(
        comparison(Verdict.DRIFT, step=3, deviation=3.8123e-06, allowance=2.4e-07, phase="update"),
        comparison(Verdict.DRIFT, HOSTILE, step=4, waiver=WAIVER, deviation=float("inf")),
        comparison(Verdict.EQUIVALENT, against="baseline", deviation=3.3e-16, allowance=1e-9),
        observed=sides), PROJECT, folder / "report.html")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        driver.get((folder / "report.html").as_uri())
        yield driver, json.loads((folder / "report.json").read_text(encoding="utf-8"))
    finally:
        driver.quit()


def wait_for(driver, script, seconds=20):
    """Return the script's value as soon as it is true."""
    end = time.monotonic() + seconds
    while not (value := driver.execute_script(f"return {script}")):
        assert time.monotonic() < end, f"never true: {script}"
        time.sleep(0.05)
    return value


def test_chart_is_drawn_in_view_and_follows_its_switches(page):
    """Lines, band, deviation panel and mark appear; precision and scale can be switched."""
    driver, facts = page
    chart = "document.querySelector('.chart')"
    driver.execute_script(f"{chart}.closest('details').open = false")
    driver.execute_script(f"{chart}.closest('details').open = true; {chart}.scrollIntoView()")
    assert wait_for(driver, f"{chart}.dataset.drawn") == facts["variants"][0]["precision"]
    traces = driver.execute_script(f"return {chart}.querySelectorAll('.trace.scatter').length")
    assert traces >= 2 + len(facts["variants"][0]["charts"]["float32"]["lines"])
    assert driver.execute_script(f"return Boolean({chart}.layout.yaxis2)")
    assert "first differing step: 3" in driver.execute_script(f"return {chart}.textContent")
    driver.execute_script("document.querySelector('input[value=float64]').click()")
    wait_for(driver, f"{chart}.dataset.drawn === 'float64'")
    driver.execute_script("document.querySelector('input[value=log]').click()")
    wait_for(driver, f"{chart}.layout.yaxis.type === 'log'")


def test_tables_show_the_numbers_of_the_json(page):
    """Every deviation and allowance in the tables is the one in report.json."""
    driver, facts = page
    shown = driver.execute_script(
        "return [...document.querySelectorAll('.findings tr td:nth-last-child(-n+2) data')]"
        ".map(e => e.value)")
    findings = [row["finding"] for detail in facts["variants"]
                for row in detail["differences"] + detail["agreements"]]
    expected = [str(f[key]) for f in findings for key in ("deviation", "allowance")
                if f[key] is not None]
    assert sorted(shown) == sorted(expected)
    assert driver.execute_script("return document.querySelector('h1').innerText") == facts["answer"]


def test_hostile_names_stay_text_in_the_chart(page):
    """Plotly, which reads a little HTML, shows the name's markup as characters."""
    driver, _ = page
    legend = wait_for(driver, "document.querySelector('.chart .legend')?.textContent")
    assert "<b>'\"&[U+202E]gnp.exe" in legend
    assert driver.execute_script("return document.querySelectorAll('h1 b, .name b').length") == 0


def test_link_opens_a_folded_detail(page):
    """A cell of the matrix leads to its detail and opens it."""
    driver, _ = page
    driver.execute_script("document.querySelector('details.detail').open = false")
    driver.execute_script("document.querySelector('.matrix a.cell').click()")
    wait_for(driver, "document.querySelector('details.detail').open")


def test_console_is_silent_and_no_request_leaves_the_page(page):
    """Last: nothing above was refused by the policy, failed, or asked a network."""
    driver, _ = page
    assert driver.get_log("browser") == []
    sent = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    addresses = [m["params"]["request"]["url"] for m in sent
                 if m["method"] == "Network.requestWillBeSent"
                 and m["params"]["documentURL"].startswith("file:")]
    assert addresses
    assert [a for a in addresses if not a.startswith(("file:", "data:", "blob:"))] == []
