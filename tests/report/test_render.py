"""The page as text: harmless whatever a record says, and complete without its scripts."""

import base64
import gzip
import hashlib
import html
import json
import re

import numpy as np
import pytest

from harness.escaping import visible
from harness.report.page import modules
from harness.report.page.render import FOLDER, pack, render, spelled_out
from tests.kit.page_facts import HOSTILE, facts, hostile_facts


def unpacked(page, attribute):
    """Return the parts of what a data element of the page holds."""
    found = re.search(rf'<script type="application/gzip" {attribute}>([^<]*)</script>', page)
    return [gzip.decompress(base64.b64decode(part)) for part in found.group(1).split(" ")]


def bytes_of(array, block):
    """Return an array's bytes, which its block has in the order of their places in a number."""
    found = block[array["at"]:array["at"] + array["bytes"]]
    count = len(found) // np.dtype(array["dtype"]).itemsize
    return b"".join(found[place::count] for place in range(count))


def without_scripts(page):
    """Return the page as it is without its scripts and data."""
    return re.sub(r"<script.*?</script>", "", page, flags=re.S)


def test_page_carries_the_facts_and_its_chunks_apart():
    """What the scripts read is what the facts say, and chunks are not in it."""
    given = facts()
    page = render(given)
    (main,) = unpacked(page, 'id="facts"')
    assert json.loads(main)["facts"] == json.loads(json.dumps(
        {k: v for k, v in given.items() if k != "chunks"}))
    for name, chunk in given["chunks"].items():
        found = json.loads(unpacked(page, f'data-chunk="{name}"')[0])
        assert {k: v for k, v in found.items() if k != "charts"} == {
            k: v for k, v in chunk.items() if k != "charts"}


def test_page_carries_every_curve_to_the_bit():
    """Its bytes are in the block, and the rest of an array is what the facts say of it."""
    given = facts()
    page = render(given)
    for name, chunk in given["chunks"].items():
        text, block = unpacked(page, f'data-chunk="{name}"')
        for precision, chart in json.loads(text)["charts"].items():
            told = chunk["charts"][precision]
            pairs = [(chart["allowance"], told["allowance"])] + [
                (line[curve], other[curve]) for line, other in
                zip(chart["lines"], told["lines"], strict=True)
                for curve in ("loss", "gradient_norm", "update_norm")]
            for array, expected in pairs:
                assert bytes_of(array, block) == base64.b64decode(expected["data"])
                assert array.get("base") == expected.get("base")


def test_same_facts_give_the_same_bytes():
    """Nothing in the page depends on when it is written."""
    assert render(facts()) == render(facts())


def test_policy_allows_the_script_by_hash_and_no_network():
    """The page's own script and nothing else."""
    page = render(facts())
    policy = html.unescape(re.search(r'Security-Policy" content="([^"]*)"', page).group(1))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    own = page[page.rindex("<script>") + len("<script>"):page.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    assert policy.count(f"'sha256-{digest}'") == policy.count("'sha256-") == 1
    assert not re.search(r'(src|href)="(?!#)', without_scripts(page))


def test_what_changed_needs_no_script():
    """Answer, causes with their harm and commands, and reasons stand in the page's HTML."""
    given = facts()
    page = html.unescape(without_scripts(render(given)))
    assert given["answer"] in page
    for cause in given["causes"]:
        assert given["findings"][cause["finding"]]["sentence"] in page
        assert cause["harm"]["why"] in page
        assert set(cause["commands"]) <= set(re.findall(r"<code>(.*?)</code>", page))
    for note in given["notes"]:
        assert note in page
    assert given["not_compared"] == [] or given["not_compared"][0]["problem"] in page


def test_hostile_text_is_shown_as_text():
    """Names cannot close an element, run, or reorder the line."""
    given = hostile_facts()
    page = render(given)
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "[U+202E]gnp.exe" in page
    assert "\u202e" not in unpacked(page, 'id="facts"')[0].decode()
    assert page.count("<script") == page.count("</script") == len(given["chunks"]) + 2


def test_packed_data_cannot_leave_their_element():
    """Base64 holds no character that means something in HTML, nor does a space between two."""
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", pack({"a": HOSTILE}))
    assert re.fullmatch(r"[A-Za-z0-9+/=]+ [A-Za-z0-9+/=]+",
                        pack(next(iter(hostile_facts()["chunks"].values()))))


@pytest.mark.parametrize(("text", "shown"), [
    ("plain", "plain"), ("a\nb\tc", "a\nb\tc"), ("\u202ex", "[U+202E]x"), ("\x00", "[U+0000]"),
    ("\ud800", "[U+D800]"), ("naïve ≈ 学習", "naïve ≈ 学習")])
def test_acting_characters_are_spelled_out(text, shown):
    """In values and in names of entries, however deep."""
    assert visible(text) == shown
    assert spelled_out({text: [text, 1, None, {"k": text}]}) == {
        shown: [shown, 1, None, {"k": shown}]}


def test_vendored_files_are_those_of_their_packages():
    """Each has the hash that is written down, and its licence beside it."""
    packages = json.loads((FOLDER / "vendor" / "packages.json").read_text(encoding="utf-8"))
    listed = {"packages.json"}
    for name, package in packages.items():
        assert (FOLDER / "vendor" / f"{name}.LICENSE.txt").read_text(encoding="utf-8")
        listed.add(f"{name}.LICENSE.txt")
        for file, about in package["files"].items():
            data = (FOLDER / "vendor" / file).read_bytes()
            assert hashlib.sha256(data).hexdigest() == about["sha256"], file
            listed.add(file)
    assert {path.name for path in (FOLDER / "vendor").iterdir()} == listed


@pytest.mark.parametrize(("sources", "expected"), [
    ({"page.js": 'import { b as c } from "./other.js";\nexport const a = c;\n',
      "other.js": "export function b() {}\nconst hidden = 1;\n"},
     ["function b() {}", "return { b }", "const { b: c } = $module0"]),
    ({"page.js": 'import run from "./other.js";\nrun();\n',
      "other.js": "var n=1;export default function(){return n}"},
     ["const $default = function(){return n}", "const { default: run } = $module0"]),
    ({"page.js": 'import "./other.js";\n', "other.js": "var q=1;export{q as $};"},
     ["var q=1;", "return { $: q }"])])
def test_modules_become_one_script_in_the_order_of_their_imports(tmp_path, sources, expected):
    """Each in a scope of its own, after what it imports; named as it is imported."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "packages.json").write_text("{}", encoding="utf-8")
    for name, source in sources.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    script = modules.bundle(tmp_path, "page.js")
    places = [script.index(part) for part in expected]
    assert places == sorted(places)
    assert "import" not in script and "export" not in script


def test_modules_that_import_each_other_are_refused(tmp_path):
    """With the way around, since no order serves them."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "packages.json").write_text("{}", encoding="utf-8")
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{one}.js").write_text(f'import "./{other}.js";\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.js -> b\.js -> a\.js"):
        modules.bundle(tmp_path, "a.js")
