"""Overview and matrix in a real Chromium: filters, addresses, keyboard."""

import copy
import json

import pytest

from harness.report.page.render import render
from tests.browser.driving import (
    CELLS,
    ROWS,
    choose,
    focused,
    press,
    text_of,
    wait_for,
)
from tests.kit.page_facts import facts

pytestmark = pytest.mark.browser


def test_opens_with_the_answer_and_only_what_changed(page, given):
    """Answer, changes and the rows with an open difference or problem; nothing else."""
    driver = page()
    assert text_of(driver, "h1") == given["answer"]
    open_rows = {(c["case"], c["variant"]) for c in given["comparisons"]
                 if not c["waived"] and c["verdict"] not in ("identical", "equivalent")}
    assert len(driver.execute_script(f"return {ROWS}")) == len(open_rows)
    shown = "document.querySelectorAll('#changes > .changes > .change').length"
    assert driver.execute_script(f"return {shown}") == min(8, len(given["causes"]))


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


def test_a_filter_keeps_the_elements_that_it_still_shows(page):
    """Rows, cells and all around the matrix: only what goes or comes is worked out."""
    driver = page("matrix?show=all")
    driver.execute_script("window.kept = [...document.querySelectorAll("
                          "'#cells tbody tr, #cells td a, #waivers, #changes')]")
    choose(driver, "q", "logits")
    wait_for(driver, f"{ROWS}.length === 2")
    shown = driver.execute_script(
        "return [...document.querySelectorAll('#cells tbody tr, #cells td a, #waivers, #changes')]"
        ".map(one => window.kept.includes(one))")
    assert shown and all(shown)


def test_two_waived_verdicts_fit_a_cell(page, chromium, given):
    """The worst and the reference's stand side by side, and nothing is cut off."""
    path, twice = chromium[1] / "twice.html", copy.deepcopy(given)
    for c in twice["comparisons"]:
        if c["observed"].startswith("keras"):
            c.update(verdict="drift", waived=True)
    path.write_text(render(twice), encoding="utf-8")
    driver = page("matrix?show=all&family=keras", path)
    heights, cut = driver.execute_script(
        "const links = [...document.querySelectorAll('#cells td.waived a[data-beside]')];"
        "return [links.map(one => one.offsetHeight),"
        " links.filter(one => one.scrollWidth > one.clientWidth).length]")
    assert len(heights) > 5 and max(heights) < 25
    assert cut == 0


def test_verdicts_are_told_without_colour(page, given):
    """Each cell has the symbol of its worst verdict, in brackets if waived, and its words."""
    driver = page("matrix?show=all&case=xor&family=keras")
    cells = driver.execute_script("return [...document.querySelectorAll('#cells td a')].map("
                                  "a => [a.textContent + (a.dataset.beside ?? ''),"
                                  " a.getAttribute('aria-label')])")
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
