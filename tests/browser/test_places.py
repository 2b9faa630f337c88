"""Every view in its place in a real Chromium: where reading begins, and what fits a telephone."""

import pytest

from harness.report.page.render import render
from tests.browser.driving import DETAIL, text_of, wait_for
from tests.kit.page_facts import comparison, facts

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
SMALL = {"width": 760, "height": 844, "deviceScaleFactor": 1, "mobile": True}
SHALLOW = {"width": 1200, "height": 300, "deviceScaleFactor": 1, "mobile": False}


@pytest.fixture
def tab(chromium):
    """Give a test a tab, and so a history, of its own."""
    driver, _ = chromium
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    yield
    driver.close()
    driver.switch_to.window(first)


@pytest.fixture
def sized(chromium):
    """Return a function that gives the window a size, which it loses afterwards."""
    driver, _ = chromium
    yield lambda metrics: driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture
def still(chromium):
    """Let the page scroll at once, as for whoever prefers less motion."""
    def prefer(value):
        chromium[0].execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-reduced-motion", "value": value}]})
    prefer("reduce")
    yield
    prefer("")


@pytest.fixture
def measured(chromium):
    """Return the path of a page on which the reference was measured as well."""
    given = facts()
    given["environments"].insert(0, {**given["others"].pop(), "source": "run"})
    for case in given["cases"]:
        for variant in case["variants"]:
            given["comparisons"].append(comparison(case["name"], variant["name"], "reference",
                                                   "baseline", "reference", "equivalent"))
    for chunk in given["chunks"].values():
        for chart in chunk["charts"].values():
            chart["lines"][0]["members"].append({"environment": "reference", "role": "observed"})
    path = chromium[1] / "measured.html"
    path.write_text(render(given), encoding="utf-8")
    return path


@pytest.mark.parametrize(("hash", "chart"), [
    ("frameworks", "#frameworks .chart"), (f"{DETAIL}&lines=newest", "#detail .chart"),
    (f"{DETAIL}&lines=all", "#detail .chart")])
def test_a_measured_reference_is_drawn_as_the_reference(page, measured, hash, chart):
    """Once, dotted, whether it was measured now or not."""
    driver = page(hash, measured)
    wait_for(driver, f"document.querySelector('{chart}').dataset.drawn")
    drawn = driver.execute_script(
        f"return document.querySelector('{chart}').plots[0].series.slice(1)"
        ".map(one => [one.label, one.dash])")
    assert [dash for name, dash in drawn if "reference" in name] == [[2, 4]]


def test_a_waived_difference_stands_beside_its_own_size(page):
    """The deviation of the waived finding, and the check that found it; the loss is apart."""
    driver = page("frameworks")
    wait_for(driver, "document.querySelector('#frameworks table')")
    rows = driver.execute_script(
        "return [...document.querySelectorAll('#frameworks tbody tr')]"
        ".map(row => [...row.cells].map(cell => cell.innerText))")
    keras = next(row for row in rows if row[0] == "keras")
    assert "drift, waived" in keras[2]
    assert keras[3] == "6.01 float32_trajectory, float32"


def test_navigation_begins_at_the_top_and_back_where_it_was_left(page, tab, sized, still):
    """A link of the navigation leads to a section's or view's beginning, Back to the old place."""
    sized(SHALLOW)
    driver = page("matrix?show=all")

    def go(selector):
        driver.execute_script(f"document.querySelector(\"{selector}\").click()")

    def at(view, top):
        wait_for(driver, f"document.body.dataset.view === '{view}' && "
                         f"Math.abs(Math.round(scrollY) - {top}) <= 1")

    def scroll(top):
        # the page hears of a scroll with the next frame, which a busy machine draws late
        driver.execute_async_script(
            f"window.scrollTo({{top: {top}, behavior: 'instant'}}); const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))")

    scroll(450)
    go("#views a[href='#timeline']")
    at("timeline", 0)
    scroll(60)
    go("#views a[href='#matrix']")
    wait_for(driver, "Math.abs(document.getElementById('matrix').getBoundingClientRect().top - "
                     "parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop)) < 2")
    driver.back()
    at("timeline", 60)
    driver.back()
    at("overview", 450)
    driver.forward()
    at("timeline", 60)
    driver.back()
    at("overview", 450)
    go("#cells tbody td a")
    wait_for(driver, "document.querySelector('#detail .panel')")
    at("detail", 0)
    scroll(200)
    go("#detail a.back")
    at("overview", 450)
    driver.back()
    at("detail", 200)


def test_a_telephone_shows_changes_and_reasons(page, sized, given):
    """The timeline is a list of changes, the newest version first; a waiver is a card."""
    sized(PHONE)
    driver = page("timeline?family=torch")
    family = next(entry for entry in given["timeline"] if entry["family"] == "torch")
    changed = {change["observed"] for line in family["lines"] for change in line["changes"]}
    shown = driver.execute_script(
        "return [...document.querySelectorAll('.bychange h3')].map(e => e.innerText)")
    assert shown == [env for env in reversed(family["versions"]) if env in changed]
    driver = page("waivers")
    driver.execute_script("document.querySelector('#waivers details').open = true")
    assert text_of(driver, ".waiverlist .covers") == "12"
    box = driver.execute_script("const {left, right, width} = document.querySelector("
                                "'.waiverlist .sentence').getBoundingClientRect();"
                                "return [left, innerWidth - right, width]")
    assert min(box) >= 0 and box[2] > 250


def test_a_telephone_has_a_matrix_that_can_be_read(page, sized, given):
    """A list of variants with runs of one verdict, each within the window, that lead to details."""
    sized(PHONE)
    driver = page("matrix?show=all")
    rows = {(c["case"], c["variant"]) for c in given["comparisons"]}
    assert driver.execute_script(
        "return document.querySelectorAll('.variants > li:not(.case)').length") == len(rows)
    outside = driver.execute_script(
        "return [...document.querySelectorAll('.runs a')].filter(one => "
        "one.getBoundingClientRect().right > innerWidth).length")
    assert outside == 0
    driver.execute_script("document.querySelector('.runs a').click()")
    wait_for(driver, "document.querySelector('#detail .panel')")


@pytest.mark.parametrize("metrics", [SHALLOW, SMALL])
def test_headers_of_a_narrow_matrix_are_whole(page, sized, chromium, metrics):
    """Names of frameworks and versions fit in their cells, with one version of each, or long."""
    given = facts(4)
    given["environments"][0]["version"] = "0.6.1.dev2+235a0308"
    path = chromium[1] / "narrow.html"
    path.write_text(render(given), encoding="utf-8")
    sized(metrics)
    driver = page("matrix?show=all", path)
    clipped = driver.execute_script(
        "return [...document.querySelectorAll('#cells thead th, #cells .case th')].filter(cell => {"
        "  const [box, text] = [cell, cell.querySelector('span')].map("
        "    (element) => element.getBoundingClientRect());"
        "  const within = cell.querySelector('span');"
        "  return text.left < box.left - 1 || text.right > box.right + 1 ||"
        "    text.top < box.top - 1 || text.bottom > box.bottom + 1 ||"
        "    within.scrollHeight > within.clientHeight + 1 && within.clientHeight > 0;"
        "}).map(cell => cell.innerText)")
    assert clipped == []


def test_constant_series_are_counted_apart_from_environments(page):
    """Series are of environments, and none of them."""
    driver = page("trend")
    assert "40 series of 3 environments are constant." in text_of(driver, "#trend h3 + p")
