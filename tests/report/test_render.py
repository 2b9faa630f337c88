"""The page as text: harmless whatever a record says, and complete without its scripts."""

import base64
import gzip
import hashlib
import html
import json
import re

import pytest

from harness.escaping import visible
from harness.report.render import LONG, duration, number, pack, render, spelled_out
from tests.kit.page_facts import HOSTILE, facts, hostile_facts


def unpacked(page, attribute):
    """Return what a data element of the page holds."""
    found = re.search(rf'<script type="application/gzip" {attribute}>([^<]*)</script>', page)
    return gzip.decompress(base64.b64decode(found.group(1))).decode()


def without_scripts(page):
    """Return the page as it is without its scripts and data."""
    return re.sub(r"<script.*?</script>", "", page, flags=re.S)


def test_page_carries_the_facts_and_its_chunks_apart():
    """What the scripts read is what the facts say, and chunks are not in it."""
    given = facts()
    page = render(given)
    main = json.loads(unpacked(page, 'id="facts"'))["facts"]
    assert main == json.loads(json.dumps({k: v for k, v in given.items() if k != "chunks"}))
    for name, chunk in given["chunks"].items():
        assert json.loads(unpacked(page, f'data-chunk="{name}"')) == chunk


def test_same_facts_give_the_same_bytes():
    """Nothing in the page depends on when it is written."""
    assert render(facts()) == render(facts())


def test_policy_allows_the_two_scripts_by_hash_and_no_network():
    """The page's own script and Plotly's, which it inserts, and nothing else."""
    page = render(facts())
    policy = html.unescape(re.search(r'Security-Policy" content="([^"]*)"', page).group(1))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    own = page[page.rindex("<script>") + len("<script>"):page.rindex("</script>")]
    for source in (own, unpacked(page, 'id="plotly"')):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.count("'sha256-") == 2
    assert not re.search(r'(src|href)="(?!#)', without_scripts(page))


def test_what_changed_needs_no_script():
    """Answer, counts, changes with their commands, and reasons stand in the page's HTML."""
    given = facts()
    page = html.unescape(without_scripts(render(given)))
    assert given["answer"] in page
    for change in given["changes"][:200]:
        assert change["sentence"] in page
        assert set(change["commands"]) <= set(re.findall(r"<code>(.*?)</code>", page))
    for note in given["notes"]:
        assert note in page
    assert given["not_compared"] == [] or given["not_compared"][0]["problem"] in page


def test_a_quiet_night_says_so():
    """Without an open difference the page says that nothing changed."""
    page = without_scripts(render(facts(noisy=False)))
    assert "Nothing that no waiver covers" in page
    assert 'class="answer match"' in page


def test_hostile_text_is_shown_as_text():
    """Names cannot close an element, run, or reorder the line."""
    given = hostile_facts()
    page = render(given)
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "[U+202E]gnp.exe" in page
    assert "\u202e" not in unpacked(page, 'id="facts"')
    assert page.count("<script") == page.count("</script") == len(given["chunks"]) + 3


def test_a_very_long_text_is_folded_but_whole():
    """A hundred kilobytes do not fill the screen, and none of them is lost."""
    given = facts()
    given["changes"][0]["sentence"] = "x" * 100_000
    page = without_scripts(render(given))
    assert f'<span class="text">{"x" * (LONG // 2)}…</span>' in page
    assert "x" * 100_000 in page


def test_packed_data_cannot_leave_their_element():
    """Base64 holds no character that means something in HTML."""
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", pack({"a": HOSTILE}))


@pytest.mark.parametrize(("text", "shown"), [
    ("plain", "plain"), ("a\nb\tc", "a\nb\tc"), ("\u202ex", "[U+202E]x"), ("\x00", "[U+0000]"),
    ("\ud800", "[U+D800]"), ("naïve ≈ 学習", "naïve ≈ 学習")])
def test_acting_characters_are_spelled_out(text, shown):
    """In values and in names of entries, however deep."""
    assert visible(text) == shown
    assert spelled_out({text: [text, 1, None, {"k": text}]}) == {
        shown: [shown, 1, None, {"k": shown}]}


@pytest.mark.parametrize(("value", "shown"), [
    (1000, "1000"), (3.84e-06, "3.84e-06"), (0.0, "0"), ("NaN", "NaN"), ("-Infinity", "-inf")])
def test_numbers_are_shown_short_but_steps_whole(value, shown):
    """Three digits for a measure, all of them for a count."""
    assert number(value) == shown


@pytest.mark.parametrize(("seconds", "shown"), [
    (48.2, "48 s"), (812.4, "14 min"), (11_100.0, "3 h 5 min")])
def test_durations_are_told_as_people_do(seconds, shown):
    """Seconds, minutes, or hours and minutes."""
    assert duration(seconds) == shown
