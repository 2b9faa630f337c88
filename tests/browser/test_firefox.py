"""The page in a real Firefox: it opens, is driven by keyboard and address, and has its charts."""

from importlib import resources

import pytest

from harness.report.page.render import render
from tests.browser.driving import CASE, CELLS, DETAIL, ENVIRONMENT, VARIANT, text_of, wait_for
from tests.browser.firefox import FIREFOX, started

pytestmark = [pytest.mark.browser, pytest.mark.skipif(
    FIREFOX is None, reason="needs Firefox: apt-get install firefox-esr")]
VIEWS = ("", "matrix?show=all", DETAIL, "frameworks", "timeline", "trend")


@pytest.fixture(scope="session")
def firefox(tmp_path_factory, given):
    """Return a Firefox, and the page's address."""
    pytest.importorskip("websocket")
    folder = tmp_path_factory.mktemp("firefox")
    path = folder / "report.html"
    path.write_text(render(given), encoding="utf-8")
    with started(folder / "profile", **{"ui.systemUsesDarkTheme": 1}) as driver:
        yield driver, path.as_uri()


@pytest.fixture
def opened(firefox):
    """Return a function that opens the page at an address; no error is said, no request leaves."""
    driver, address = firefox
    driver.errors.clear()
    driver.requests.clear()

    def look(hash=""):
        driver.get("about:blank")
        driver.get(f"{address}#{hash}" if hash else address)
        wait_for(driver, "document.body.dataset.ready")
        return driver

    yield look
    assert driver.errors == []
    own = ("file:", "data:", "about:")
    assert [url for url in driver.requests if not url.startswith(own)] == []


def test_it_opens_with_its_answer_and_matrix(opened, given):
    """As in Chromium."""
    driver = opened("matrix?show=all")
    assert text_of(driver, "h1") == given["answer"]
    assert driver.execute_script(f"return {CELLS}") == len(
        {(c["case"], c["variant"], c["observed"]) for c in given["comparisons"]})


def test_a_cell_leads_to_charts_and_back_leads_home(opened):
    """Lines and their names are there at once; Back finds the matrix again."""
    driver = opened("matrix?show=all")
    driver.execute_script(
        f"[...document.querySelectorAll('#cells td a')].find(a => a.getAttribute('href') === "
        f"'#{DETAIL}').click()")
    wait_for(driver, "document.querySelector('#detail .panel') !== null")
    assert driver.execute_script(
        "return document.querySelectorAll('#detail .curves canvas').length") == 2
    assert ENVIRONMENT in text_of(driver, "#detail .u-legend")
    driver.execute_script("history.back()")
    wait_for(driver, f"document.body.dataset.view === 'overview' && {CELLS} > 0")


def test_the_telephone_and_the_dark_are_kept(opened):
    """A list instead of the matrix, nothing wider than the window, on a dark ground."""
    driver = opened("matrix?show=all")
    driver.resize(390, 844)
    try:
        wait_for(driver, "document.querySelector('.variants') !== null")
        assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
        assert driver.execute_script(
            "return getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 24)"
    finally:
        driver.resize(1280, 900)


def test_axe_finds_nothing_serious_there_either(opened):
    """In every view."""
    package = resources.files(pytest.importorskip("selenium_axe_python"))
    axe = package.joinpath("axe-core", "axe.min.js").read_text(encoding="utf-8")
    for hash in VIEWS:
        driver = opened(hash)
        driver.execute_script(f"{axe}; return 1")
        found = driver.execute_script(
            "return (await axe.run(document, {resultTypes: ['violations']})).violations"
            ".filter(one => ['serious', 'critical'].includes(one.impact))"
            ".map(one => [one.id, one.nodes[0].html.slice(0, 300)])")
        assert found == [], hash


def test_the_detail_is_of_what_was_asked(opened):
    """Case, variant and environment are those of the address."""
    driver = opened(DETAIL)
    title = text_of(driver, "#detail h2")
    assert CASE in title and VARIANT in title
    assert ENVIRONMENT in text_of(driver, "#detail .versus")
