"""The report in a real Chromium: it opens offline, filters, and shows the JSON's numbers."""

import json
import shutil
import time
from importlib import resources

import pytest

from harness.report.packing import visible
from harness.report.render import render
from tests.page_facts import FINDINGS, facts
from tests.test_render import HOSTILE, hostile_facts

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver: "
                       "apt-get install chromium chromium-driver"),
]
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--window-size=1200,900")
CASE, VARIANT, ENVIRONMENT = "xor", "bce_sigmoid-sgd_0.1", "torch-2.1.0"
DETAIL = f"detail?case={CASE}&variant={VARIANT}&env={ENVIRONMENT}&against=previous"
VIEWS = ("", "matrix?show=all", DETAIL, "frameworks", "timeline", "trend")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """Return a driver of a Chromium, and a folder for pages."""
    webdriver = pytest.importorskip("selenium.webdriver")
    folder = tmp_path_factory.mktemp("report")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver, folder
    finally:
        driver.quit()


@pytest.fixture(scope="module")
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


def opened(driver, path, hash):
    """Open a page at an address as a link would, and wait until it has drawn itself."""
    driver.get("about:blank")
    driver.get(path.as_uri() + (f"#{hash}" if hash else ""))
    wait_for(driver, "document.body.dataset.ready")
    if hash.startswith("detail"):
        wait_for(driver, "document.querySelector('#detail .panel')")
    return driver


def wait_for(driver, script, seconds=20):
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


ROWS = ("[...document.querySelectorAll('#cells tbody tr:not(.case)')]"
        ".map(row => row.cells[0].textContent)")
CELLS = "document.querySelectorAll('#cells td a').length"


# -------------------------------------------------------------------- overview
def test_opens_with_the_answer_and_only_what_changed(page, given):
    """Answer, changes and the rows with an open difference or problem; nothing else."""
    driver = page()
    assert text_of(driver, "h1") == given["answer"]
    open_rows = {(c["case"], c["variant"]) for c in given["comparisons"]
                 if not c["waived"] and c["verdict"] not in ("identical", "equivalent")}
    assert len(driver.execute_script(f"return {ROWS}")) == len(open_rows)
    shown = "document.querySelectorAll('#changes > .changes > .change').length"
    assert driver.execute_script(f"return {shown}") == min(8, len(given["changes"]))


def test_a_quiet_matrix_offers_everything(page, chromium):
    """Without an open difference the matrix says so."""
    path = chromium[1] / "quiet.html"
    path.write_text(render(facts(noisy=False)), encoding="utf-8")
    driver = page(at=path)
    assert "No open difference" in text_of(driver, "#matrix-status")
    driver.execute_script("document.querySelector('#matrix-status a').click()")
    wait_for(driver, f"{CELLS} > 0")


def test_filters_narrow_the_matrix_and_stand_in_the_address(page, given):
    """By verdict, framework, case, and free text over names and sentences; Back undoes."""
    driver = page()
    choose(driver, "show", "all")
    everything = driver.execute_script(f"return {CELLS}")
    assert everything == len({(c["case"], c["variant"], c["observed"])
                              for c in given["comparisons"]})
    choose(driver, "case", "xor")
    rows = driver.execute_script(f"return {ROWS}")
    assert len(rows) == len(given["cases"][0]["variants"])
    choose(driver, "family", "torch")
    heads = driver.execute_script(
        "return [...document.querySelectorAll('#cells .family')].map(e => e.innerText)")
    assert heads == ["torch"]
    assert driver.current_url.endswith("#matrix?show=all&case=xor&family=torch")
    driver.back()
    wait_for(driver, "document.querySelectorAll('#cells .family').length > 1")
    choose(driver, "q", "squared nowhere")
    assert "Nothing matches" in text_of(driver, "#matrix-status")
    choose(driver, "q", "bce_logits")
    assert all("bce_logits" in row for row in driver.execute_script(f"return {ROWS}"))


def test_a_pasted_address_restores_filters(page):
    """A colleague sees the same rows in the same order."""
    driver = page("matrix?show=all&family=keras&sort=worst&q=xor")
    values = driver.execute_script(
        "return [...document.querySelectorAll('#filters [name]')].map(e => [e.name, e.value])")
    assert dict(values) == {"show": "all", "family": "keras", "case": "", "phase": "",
                            "against": "", "sort": "worst", "q": "xor"}


def test_rows_can_be_sorted_by_number_of_differences(page):
    """The row with most open differences comes first."""
    driver = page("matrix?sort=count")
    counts = driver.execute_script(
        "return [...document.querySelectorAll('#cells .count')].map(e => Number(e.textContent))")
    assert counts
    assert counts == sorted(counts, reverse=True)


def test_verdicts_are_told_without_colour(page, given):
    """Each cell has the symbol of its worst verdict, in brackets if waived, and its words."""
    driver = page("matrix?show=all&case=xor&family=keras")
    cells = driver.execute_script("return [...document.querySelectorAll('#cells td a')].map("
                                  "a => [a.textContent, a.getAttribute('aria-label')])")
    assert all("(D)" in text and "drift, waived against reference" in label
               for text, label in cells)


# -------------------------------------------------------------------- keyboard
def test_keyboard_reaches_moves_opens_and_returns(page):
    """One Tab stop in the grid; arrows move, Enter opens, Escape returns to the same cell."""
    from selenium.webdriver.common.keys import Keys

    driver = page("matrix?show=all")
    stops = "document.querySelectorAll('#cells a[tabindex=\"0\"]').length"
    assert driver.execute_script(f"return {stops}") == 1
    driver.execute_script("document.querySelector('#cells a[tabindex=\"0\"]').focus()")
    first = focused(driver)
    press(driver, Keys.ARROW_RIGHT)
    press(driver, Keys.ARROW_DOWN)
    there = focused(driver)
    assert there != first
    assert driver.execute_script(f"return {stops}") == 1
    press(driver, Keys.ENTER)
    wait_for(driver, "document.querySelector('#detail .panel')")
    assert driver.current_url.endswith(there)
    press(driver, Keys.ESCAPE)
    wait_for(driver, "document.body.dataset.view === 'overview'")
    wait_for(driver, f"document.activeElement.getAttribute('href') === {json.dumps(there)}")
    assert driver.current_url.endswith("#matrix?show=all")


# -------------------------------------------------------------------- detail
def test_a_cell_leads_to_its_detail_with_its_comparison(page):
    """The link opens the environment and the comparison that the filter asked for."""
    driver = page("matrix?show=drift&q=" + VARIANT)
    driver.execute_script("document.querySelector('#cells td.v-drift a').click()")
    wait_for(driver, "document.querySelector('#detail .panel')")
    assert driver.execute_script("return location.hash") == f"#{DETAIL}"


def test_detail_shows_the_numbers_of_the_json(page):
    """Deviation and allowance of every finding, whole, and the first tensor that is off."""
    driver = page(DETAIL)
    shown = driver.execute_script(
        "return [...document.querySelectorAll('#detail .findings td:nth-last-child(-n+2) data')]"
        ".slice(0, 4).map(e => e.value)")
    expected = [str(FINDINGS[place][name]) for place in (2, 3)
                for name in ("deviation", "allowance")]
    assert sorted(map(float, shown)) == sorted(map(float, expected))
    assert text_of(driver, "#detail .headline") == FINDINGS[3]["sentence"]
    assert text_of(driver, "#detail .phase.begins h4") == "gradients begins here"
    assert "gradient of dense_1.bias" in text_of(driver, "#detail .told")
    commands = driver.execute_script(
        "return [...document.querySelectorAll('#detail .command code')].map(e => e.innerText)")
    assert commands == [
        f"tox run -e {ENVIRONMENT} -- {CASE}",
        f"harness compare {ENVIRONMENT} --case {CASE} --variant {VARIANT}",
        f'harness accept {ENVIRONMENT} {CASE} --reason "…"']
    packages = text_of(driver, "#detail .packages")
    assert "2.0.0" in packages and "2.1.0" in packages


def test_chart_is_drawn_and_follows_its_switches(page):
    """Lines, band, difference and marks; precision, axis, curve and lines can be switched."""
    driver = page(DETAIL + "&precision=float32")
    chart = "document.querySelector('#detail .curves')"
    driver.execute_script(f"{chart}.scrollIntoView()")
    wait_for(driver, f"{chart}.dataset.drawn")
    assert "first differing step: 3" in driver.execute_script(f"return {chart}.textContent")
    assert "chaotic from step 45" in driver.execute_script(f"return {chart}.textContent")
    assert driver.execute_script(f"return Boolean({chart}.layout.yaxis2)")
    for name, value, check in (("axis", "log", "layout.yaxis.type === 'log'"),
                               ("curve", "update_norm",
                                "layout.yaxis.title.text === 'update norm'"),
                               ("lines", "all", "data.length > 3")):
        driver.execute_script(f"document.querySelector('#detail input[name={name}]"
                              f"[value={value}]').click(); {chart}.scrollIntoView()")
        wait_for(driver, f"{chart}.dataset.drawn && {chart}.{check}")
        assert f"{name}={value}" in driver.current_url


def test_curves_are_those_of_the_json(page, given):
    """What is drawn is base and difference of the chunk, to the last bit."""
    import base64

    import numpy as np

    driver = page(DETAIL + "&precision=float64")
    chart = "document.querySelector('#detail .curves')"
    driver.execute_script(f"{chart}.scrollIntoView()")
    wait_for(driver, f"{chart}.dataset.drawn")
    lines = given["chunks"][f"{CASE}/{VARIANT}"]["charts"]["float64"]["lines"]
    base = np.frombuffer(base64.b64decode(lines[0]["loss"]["data"]), "<f8")
    off = np.frombuffer(base64.b64decode(lines[2]["loss"]["data"]), "<f4")
    drawn = driver.execute_script(
        f"return {chart}.data.find(t => t.name === '{ENVIRONMENT}' && t.yaxis === 'y').y")
    assert drawn == (base + off).tolist()


@pytest.mark.parametrize(("hash", "selector"), [
    ("frameworks", "#frameworks .curves"), ("trend", "#trend .chart")])
def test_other_views_draw_their_charts(page, hash, selector):
    """Straight from a link."""
    driver = page(hash)
    wait_for(driver, f"document.querySelector('{selector}')?.dataset.drawn")


def test_timeline_marks_where_a_group_begins(page, given):
    """One boundary for each change, in brackets if it is explained."""
    driver = page("timeline?family=torch")
    family = next(entry for entry in given["timeline"] if entry["family"] == "torch")
    changes = [change for line in family["lines"] for change in line["changes"]]
    shown = driver.execute_script(
        "return [...document.querySelectorAll('#timeline .boundary')].map(e => e.innerText)")
    assert sorted(shown) == sorted("(D)" if c["explained"] else "D" for c in changes)


# -------------------------------------------------------------------- harmless, for everyone
def test_hostile_names_stay_text_everywhere(page, chromium):
    """No view makes an element or a reordered line of a name, nor does Plotly."""
    path = chromium[1] / "hostile.html"
    path.write_text(render(hostile_facts()), encoding="utf-8")
    name = VARIANT + visible(HOSTILE)
    for hash in ("", "matrix?show=all", "timeline", "trend", "frameworks"):
        driver = page(hash, path)
        assert not driver.execute_script("return document.querySelector('.name b, th b')")
    driver = page("matrix?show=all", path)
    driver.execute_script("document.querySelector('#cells tbody td a').click()")
    wait_for(driver, "document.querySelector('#detail .panel')")
    chart = "document.querySelector('#detail .curves')"
    driver.execute_script(f"{chart}.scrollIntoView()")
    wait_for(driver, f"{chart}.dataset.drawn")
    detail = driver.execute_script("return document.querySelector('#detail').textContent")
    assert name[:60] in detail
    legend = driver.execute_script(f"return {chart}.querySelector('.legend').textContent")
    assert "</script><script>" in legend
    assert driver.execute_script("return document.body.innerText").count("\u202e") == 0


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 375)])
def test_axe_finds_nothing_serious(page, scheme, width):
    """In light and in dark, wide and narrow, in every view; nor is the page too wide."""
    package = resources.files(pytest.importorskip("selenium_axe_python"))
    axe = package.joinpath("axe-core", "axe.min.js").read_text(encoding="utf-8")
    for hash in VIEWS:
        driver = page(hash)
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
        driver.execute_script(axe)
        found = driver.execute_async_script(
            "axe.run(document, {resultTypes: ['violations']}).then(arguments[0])")
        wide = driver.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert [(hash, v["id"], v["nodes"][0]["html"][:300], v["nodes"][0]["failureSummary"])
                for v in found["violations"] if v["impact"] in ("serious", "critical")] == []
        assert wide <= 0, hash


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_has_something_to_look_at(page, chromium, scheme):
    """Screenshots, kept in the test's folder: drawn, and on the scheme's own ground."""
    image = pytest.importorskip("PIL.Image")
    for number, hash in enumerate(VIEWS):
        driver = page(hash)
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        if hash.startswith(("detail", "frameworks")):
            wait_for(driver, "document.querySelector('.js-plotly-plot .trace') !== null")
        path = chromium[1] / f"{scheme}-{number}.png"
        assert driver.save_screenshot(str(path))
        with image.open(path) as shot:
            colours = shot.convert("L").getcolors()
        assert len(colours) > 50, hash
        _, ground = max(colours)
        assert (ground > 200) == (scheme == "light"), hash


def test_a_large_matrix_is_printed_whole(page, chromium):
    """On paper every row is laid out, not those in view alone."""
    path = chromium[1] / "large.html"
    path.write_text(render(facts(40, 60)), encoding="utf-8")
    driver = page("matrix?show=all", path)
    laid_out = ("[...document.querySelectorAll('#cells tbody tr')].filter("
                "row => getComputedStyle(row).contentVisibility !== 'auto').length")
    assert driver.execute_script(f"return {laid_out}") == 0
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    rows = driver.execute_script("return document.querySelectorAll('#cells tbody tr').length")
    assert driver.execute_script(f"return {laid_out}") == rows > 60
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
