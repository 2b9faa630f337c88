"""The page of a user's program in a real Chromium: first difference, proof, what follows."""

import json

import pytest

from harness.report.page.render import render_program
from tests.browser.driving import prefer, serious, text_of, wait_for
from tests.kit.page_facts import HOSTILE, program

pytestmark = pytest.mark.browser
COMMAND = "harness try --baseline torch==2.13.0 --observed torch==2.14.1 -- train.py"


@pytest.fixture
def shown(page, chromium):
    """Return a function that opens the page of these facts."""
    path = chromium[1] / "program.html"

    def look(facts, hash=""):
        path.write_text(render_program(facts, [COMMAND]), encoding="utf-8")
        return page(hash, path)

    return look


def test_the_first_difference_comes_first_with_its_proof(shown):
    """In the headline, in its card with the factor, and outlined in the heat map."""
    driver = shown(program())
    assert text_of(driver, "h1") == "gradient of head.bias at step 5: 0.2 % off"
    card = text_of(driver, ".change")
    for words in ("First: gradient head.bias", "1.002 \u00d7", "confirmed",
                  "data and loss equal to the bit", "1 tensor of update"):
        assert words in card
    assert text_of(driver, ".command code") == COMMAND
    assert "outlined: gradient head.bias at step 5" in text_of(driver, ".heat ~ .told")
    drawn = driver.execute_script(
        "const {width, height} = document.querySelector('.heat canvas'); return [width, height]")
    assert min(drawn) > 0


def test_the_first_operator_that_differs_is_shown(shown):
    """Beside the whole tensors, and not where none is known."""
    told = "first operator that differs: `aten.addmm` in `head` (0.2 % off)"
    assert told in text_of(shown({**program(), "operator": told}), "main")
    assert "In the captured step" not in text_of(shown({**program(), "operator": ""}), "main")


def test_a_first_difference_before_any_step_has_none(shown):
    """Initial weights belong to no step."""
    facts = program()
    facts["heat"]["first"] = {"channel": "initialisation", "tensor": "head.weight", "step": None}
    assert text_of(shown(facts), ".heat ~ .told") == (
        "First difference, outlined: initialisation head.weight.")


def test_a_cell_of_the_heat_map_says_what_it_is(shown):
    """Its tensor, its step, and how far beyond its allowance."""
    driver = shown(program())
    driver.execute_script(
        "const canvas = document.querySelector('.heat canvas');"
        "const box = canvas.getBoundingClientRect();"
        "canvas.dispatchEvent(new PointerEvent('pointermove', {bubbles: true,"
        " clientX: box.right - 2, clientY: box.bottom - 2}))")
    wait_for(driver, "document.querySelector('.heat ~ .told').innerText.includes('step 11')")
    assert text_of(driver, ".heat ~ .told") == (
        "update head.weight, step 11: 1000 \u00d7 its allowance")


def test_what_differs_between_the_sides_stands_at_the_top(shown):
    """In a sentence of the answer, and as a table before anything that was measured."""
    driver = shown(program())
    assert program()["between"]["sentence"] in text_of(driver, ".answer .about")
    assert driver.execute_script(
        "return [...document.querySelectorAll('.answer + .panel tbody tr')].map(row =>"
        " [...row.cells].map(cell => cell.innerText))") == [
        ["torch", "2.3.1", "2.14.1"], ["sympy", "1.12", "1.13.1"],
        ["OMP_NUM_THREADS setting", "1", "none"]]


def test_labels_of_an_axis_are_not_all_the_same(shown):
    """A loss that moves in its fourth digit has as many digits beside its chart."""
    facts = program()
    for name in ("observed", "baseline", "low", "high"):
        facts["curves"]["loss"][name] = [3 + 1e-4 * step for step in range(12)]
    driver = shown(facts)
    wait_for(driver, "document.querySelector('.chart').dataset.drawn")
    told = driver.execute_script("return document.querySelector('.chart').plots[0].axes[1]._values")
    told = [text for text in told if text]
    assert len(told) == len(set(told)) > 2


def test_figures_of_one_step_are_drawn_in_their_order(shown):
    """What a program prints may all be read after its last update."""
    facts = program()
    facts["curves"]["figures"][0].update(steps=[12, 12, 12], **{
        name: [0.7, 0.8, 0.9] for name in ("observed", "baseline", "low", "high")})
    driver = shown(facts)
    assert driver.execute_script(
        "const {plots: [plot]} = document.querySelector('.smalls .chart');"
        "return [plot.data[0], plot.axes[0].label]") == [[0, 1, 2], "in order"]


def test_modules_and_curves_are_there(shown):
    """What is off in red with its step, loss with its envelope."""
    driver = shown(program())
    assert "head" in text_of(driver, ".modules .off")
    assert driver.execute_script(
        "return document.querySelector('.chart').plots[0].bands.length") == 1
    assert "NaN" in text_of(driver, ".program")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_a_program(shown, scheme):
    """In both schemes, on a telephone as well, and nothing is wider than it."""
    driver = shown(program())
    prefer(driver, scheme)
    for width in (1280, 390):
        assert serious(driver, width) == ([], 0)


def test_an_error_says_what_to_do(shown):
    """What could not be judged is no match."""
    facts = program()
    facts["verdict"].update(verdict="error", exit_code=3, causes=[], outcome=None, capture=None,
                            problem={"what": "the program failed", "where": "train.py", "next":
                                     "python train.py", "numbers": "exit code 1"})
    driver = shown(facts)
    assert text_of(driver, "h1") == "the program failed"
    assert "python train.py" in text_of(driver, ".problem")


def test_hostile_names_of_a_program_stay_text(shown):
    """Tensors, modules and packages."""
    text = json.dumps(program())
    for word in ("head.bias", "Linear", "torch", "accuracy", "train.py"):
        text = text.replace(word, word + json.dumps(HOSTILE)[1:-1])
    driver = shown(json.loads(text))
    assert "</script><script>" in text_of(driver, "h1")
    assert not driver.execute_script("return document.querySelector('.view b b, th b')")
