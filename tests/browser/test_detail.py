"""Details and charts in a real Chromium: they show the JSON's numbers."""

import copy

import pytest

from harness.report.arrays import decode
from harness.report.page.render import render
from tests.browser.driving import CASE, DETAIL, ENVIRONMENT, VARIANT, text_of, wait_for
from tests.kit.page_facts import FINDINGS, program

pytestmark = pytest.mark.browser


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
    assert text_of(driver, "#detail .phase.begins h4") == "gradients begin to differ here"
    assert "gradient of dense_1.bias" in text_of(driver, "#detail .told")
    assert commands_of(driver) == [
        f"tox run -e {ENVIRONMENT} -- {CASE}",
        f"harness compare {ENVIRONMENT} --case {CASE} --variant {VARIANT}"]
    packages = text_of(driver, "#detail .packages")
    assert "2.0.0" in packages and "2.1.0" in packages


def test_accepting_is_advised_where_it_settles_the_difference(page):
    """That is beside the own baseline, not beside the previous version."""
    driver = page(DETAIL.replace("against=previous", "against=baseline"))
    assert commands_of(driver)[-1] == f'harness accept {ENVIRONMENT} {CASE} --reason "…"'


def commands_of(driver):
    """Return the commands of the detail, as they are copied."""
    return driver.execute_script(
        "return [...document.querySelectorAll('#detail .command code')].map(e => e.innerText)")


CHART = "document.querySelector('#detail .curves .chart')"


def test_chart_is_drawn_and_follows_its_switches(page):
    """Lines, band, difference and marks; precision, axis, curve and lines can be switched."""
    driver = page(DETAIL + "&precision=float32")
    wait_for(driver, f"{CHART}.dataset.drawn")
    assert "first differing step: 3" in text_of(driver, "#detail .curves .note")
    assert "chaotic from step 45" in text_of(driver, "#detail .curves .note")
    assert driver.execute_script(
        f"return {CHART}.plots.map(p => [p.scales.y.distr, p.bands.length])") == [[1, 1], [4, 1]]
    for name, value, check in (("axis", "log", "plots[0].scales.y.distr === 3"),
                               ("curve", "update_norm", "plots[0].axes[1].label === 'update norm'"),
                               ("lines", "all", "plots[0].series.length > 3")):
        driver.execute_script(f"document.querySelector('#detail input[name={name}]"
                              f"[value={value}]').click()")
        wait_for(driver, f"{CHART}.{check}")
        assert f"{name}={value}" in driver.current_url


def test_a_switch_keeps_the_focus(page):
    """Whoever switches by keyboard goes on where they were."""
    driver = page(DETAIL)
    driver.execute_script("const one = document.querySelector('#detail input[name=curve]"
                          "[value=update_norm]'); one.focus(); one.click()")
    assert driver.execute_script("return document.activeElement.value") == "update_norm"
    wait_for(driver, f"{CHART}.plots[0].axes[1].label === 'update norm'")


def test_charts_are_there_with_their_detail(page):
    """No rehearsal, no queue: what is opened has its charts in the same frame."""
    driver = page()
    drawn = driver.execute_async_script(
        f"const done = arguments[0]; location.hash = '{DETAIL}';"
        "new MutationObserver(() => { if (document.querySelector('#detail .panel'))"
        "  done(Boolean(document.querySelector('#detail .curves canvas'))); })"
        ".observe(document.body, {childList: true, subtree: true});")
    assert drawn


def test_what_comes_right_is_said_in_green(page, chromium, given):
    """An error that is gone is no error of so much: the strip, the figures and the card say so."""
    facts = copy.deepcopy(given)
    facts["findings"].append({**FINDINGS[3], "comes_right": True, "observed": 2e-15,
                              "baseline": 3.1e-3})
    place = len(facts["findings"]) - 1
    for c in facts["comparisons"]:
        if [c[k] for k in ("case", "variant", "observed", "against")] == [
                CASE, VARIANT, ENVIRONMENT, "previous"]:
            c.update(cause=place, worst=place, findings=[place])
    facts["causes"][0].update(comes_right=True, cause=place, finding=place)
    for chunk in facts["chunks"].values():
        for pair in chunk["judged"]:
            for judged in pair["checkpoints"].values():
                judged["states"] = judged["states"].replace("o", "r")
    path = chromium[1] / "right.html"
    path.write_text(render(facts), encoding="utf-8")
    driver = page(at=path)
    assert "comes right" in text_of(driver, ".change .what")
    assert "2e-15 off now, was 0.0031, allowed 1e-09" in text_of(driver, ".change .size")
    driver = page(DETAIL, path)
    assert text_of(driver, "#detail .phase.right h4") == "gradients come right here"
    assert "2e-15 off, was 0.0031" in text_of(driver, "#detail .figures.right")


def test_commands_can_be_copied(page):
    """To the clipboard, or at least selected for the keyboard's copy."""
    driver = page(DETAIL)
    driver.execute_script("document.querySelector('#detail .command button').click()")
    said = wait_for(driver, "['copied', 'selected'].find(word => word === "
                            "document.querySelector('#detail .command button').innerText)")
    text = driver.execute_script("return getSelection().toString()") if said == "selected" else \
        driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert text == f"tox run -e {ENVIRONMENT} -- {CASE}"


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_curves_are_those_of_the_json(page, given, precision):
    """What is drawn is base and difference of the chunk, to the last bit."""
    driver = page(f"{DETAIL}&precision={precision}")
    wait_for(driver, f"{CHART}.dataset.drawn")
    lines = given["chunks"][f"{CASE}/{VARIANT}"]["charts"][precision]["lines"]
    expected = decode(lines[2]["loss"], decode(lines[0]["loss"]))
    assert expected.dtype == precision
    drawn = driver.execute_script(
        f"const [plot] = {CHART}.plots;"
        f"return plot.data[plot.series.findIndex(one => one.label === '{ENVIRONMENT}')]")
    assert drawn == expected.tolist()


@pytest.mark.parametrize(("hash", "selector"), [
    ("frameworks", "#frameworks .chart"), ("trend", "#trend .chart")])
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


def test_a_program_shows_its_loss_with_the_envelope(page, chromium, given):
    """Drawn as the page of a program under two sides draws it."""
    found = copy.deepcopy(given)
    sides = next({name: c[name] for name in ("observed", "baseline")} for c in found["comparisons"]
                 if (c["case"], c["variant"], c["observed"], c["against"]) == (
                     CASE, VARIANT, ENVIRONMENT, "previous"))
    found["chunks"][f"{CASE}/{VARIANT}"] = {
        "charts": {}, "probes": [], "judged": [], "native": [],
        "losses": [{**program()["curves"]["loss"], "sides": sides}]}
    path = chromium[1] / "saved.html"
    path.write_text(render(found), encoding="utf-8")
    driver = page(DETAIL, path)
    wait_for(driver, "document.querySelector('#detail .uplot canvas')")
    told = text_of(driver, "#detail")
    assert "between the baseline's own runs" in told and "No curve was recorded" not in told
