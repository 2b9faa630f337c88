"""Harmless, and for everyone: hostile names, accessibility, colour schemes, paper."""

import json
import re

import pytest

from harness.escaping import visible
from harness.report.page.render import render
from tests.browser.driving import (
    CELLS,
    DETAIL,
    ENVIRONMENT,
    VARIANT,
    prefer,
    printed,
    serious,
    text_of,
    wait_for,
)
from tests.kit.page_facts import HOSTILE, facts, hostile_facts

pytestmark = pytest.mark.browser
VIEWS = ("", "matrix?show=all", DETAIL, f"{DETAIL}&lines=all&native=all", "frameworks", "timeline",
         "timeline?steady=all", "trend", "trend?family=keras")


def test_hostile_names_stay_text_everywhere(page, chromium):
    """No view makes an element or a reordered line of a name, nor do charts."""
    path = chromium[1] / "hostile.html"
    path.write_text(render(hostile_facts()), encoding="utf-8")
    name = VARIANT + visible(HOSTILE)
    for hash in ("", "matrix?show=all", "timeline", "trend", "frameworks"):
        driver = page(hash, path)
        assert not driver.execute_script("return document.querySelector('.name b, th b')")
    driver = page("matrix?show=all", path)
    driver.execute_script("document.querySelector('#cells tbody td a').click()")
    wait_for(driver, "document.querySelector('#detail .panel')")
    chart = "document.querySelector('#detail .curves .chart')"
    wait_for(driver, f"{chart}.dataset.drawn")
    detail = driver.execute_script("return document.querySelector('#detail').textContent")
    assert name[:60] in detail
    legend = driver.execute_script(f"return {chart}.querySelector('.u-legend').textContent")
    assert "</script><script>" in legend
    assert driver.execute_script("return document.body.innerText").count("\u202e") == 0


def test_a_version_is_no_pattern(page, chromium):
    """What a regular expression's replacement would obey is text in the strip of versions."""
    path, given = chromium[1] / "pattern.html", facts()
    environment = next(e for e in given["environments"] if e["name"] == ENVIRONMENT)
    environment["version"] = "$&$`2.1"
    path.write_text(render(given), encoding="utf-8")
    driver = page(DETAIL, path)
    assert text_of(driver, "#detail .rowstrip .here span") == "$&$`2.1"


def unfold(driver):
    """Open everything that is folded, as a reader may."""
    driver.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")


@pytest.mark.parametrize(("scheme", "width"), [
    ("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_axe_finds_nothing_serious(page, scheme, width):
    """In light and in dark, wide and narrow, in every view; nor is the page too wide."""
    for hash in VIEWS:
        driver = page(hash)
        prefer(driver, scheme)
        unfold(driver)
        assert serious(driver, width) == ([], 0), hash


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_between_two_versions(page, chromium, scheme):
    """Nor where a link is shorter than the words that it stands among."""
    path = chromium[1] / "versions.html"
    given = json.loads(json.dumps(facts()).replace(VARIANT, "mse"))
    given["versions"] = {"baseline": "torch-2.0.0", "observed": "torch-2.1.0"}
    path.write_text(render(given), encoding="utf-8")
    for hash in ("", "timeline?steady=all"):
        driver = page(hash, path)
        prefer(driver, scheme)
        unfold(driver)
        for width in (1280, 390):
            assert serious(driver, width) == ([], 0), hash


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_has_something_to_look_at(page, chromium, scheme):
    """Screenshots, kept in the test's folder: drawn, and on the scheme's own ground."""
    image = pytest.importorskip("PIL.Image")
    for number, hash in enumerate(VIEWS):
        driver = page(hash)
        prefer(driver, scheme)
        if hash.startswith(("detail", "frameworks")):
            wait_for(driver, "document.querySelector('.chart canvas') !== null")
        path = chromium[1] / f"{scheme}-{number}.png"
        assert driver.save_screenshot(str(path))
        with image.open(path) as shot:
            colours = shot.convert("L").getcolors()
        assert len(colours) > 50, hash
        _, ground = max(colours)
        assert (ground > 200) == (scheme == "light"), hash


def test_a_dark_detail_is_printed_in_dark_ink(page):
    """Every chart, seen or not, in light's colours and no wider than paper; then as before."""
    look = ("const chart = document.querySelector('#detail .curves .chart'), [plot] = chart.plots;"
            "return [getComputedStyle(document.body).color, plot.axes[0].stroke(plot, 0),"
            " chart.querySelector('.uplot').getBoundingClientRect().width,"
            " document.querySelectorAll('#detail .chart:not(:has(canvas))').length]")
    driver = page(DETAIL)
    prefer(driver, "dark")
    wait_for(driver, "document.querySelector('#detail .chart canvas') !== null")
    wait_for(driver, "getComputedStyle(document.body).colorScheme !== '' && "
                     "document.querySelector('#detail .chart').plots[0].axes[0]"
                     ".stroke(null, 0) === '#e6e9ec'")
    ink, axis, width, _ = driver.execute_script(look)
    on_paper, paper_axis, paper_width, blank = printed(driver, look)
    assert _brightness(on_paper) < 60 < 200 < _brightness(ink)
    assert (axis, paper_axis) == ("#e6e9ec", "#1b1f24")
    assert paper_width < 700 < width
    assert blank == 0
    assert driver.execute_script(look)[:3] == [ink, axis, width]


def test_a_very_long_text_is_folded_but_whole(page, chromium):
    """A hundred kilobytes do not fill the screen, and none of them is lost."""
    path, given = chromium[1] / "long.html", facts()
    given["findings"][given["causes"][0]["finding"]]["sentence"] = "x" * 100_000
    path.write_text(render(given), encoding="utf-8")
    driver = page(at=path)
    card = "document.querySelector('.change')"
    assert len(driver.execute_script(f"return {card}.textContent")) < 3000
    driver.execute_script(f"[...{card}.querySelectorAll('button')].find("
                          "one => one.innerText.startsWith('show all')).click()")
    wait_for(driver, f"{card}.textContent.includes('x'.repeat(100000))")


def _brightness(colour):
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def test_a_wide_matrix_is_printed_in_sheets(page, chromium):
    """Every row and every version once, in tables that fit on paper; gone afterwards."""
    path = chromium[1] / "large.html"
    given = facts(40, 60)
    path.write_text(render(given), encoding="utf-8")
    driver = page("matrix?show=all&case=xor", path)
    sheets = "document.querySelectorAll('#paper-sheets table')"
    columns, cells = printed(driver, f"""
        const sheets = [...{sheets}], all = (of) => sheets.map(
            (sheet) => sheet.querySelectorAll(of).length);
        return [all('.version'), all('td a')]""")
    shown = {c["observed"] for c in given["comparisons"]}
    assert sum(columns) == len(shown)
    assert max(columns) <= 16 < sum(columns)
    assert sum(cells) == driver.execute_script(f"return {CELLS}")
    assert driver.execute_script(f"return {sheets}.length") == 0
