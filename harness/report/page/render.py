"""The page, rendered from the facts and from nothing else.

Outside half. The page's own scripts draw it from the facts that it carries; what is read first
also stands in it as plain HTML, for whoever has no scripts. A content security policy allows the
one script by its hash, and no network at all. A record's text is untrusted: control and
bidirectional characters are spelled out wherever the page may show them. Data are gzip in base64,
which can hold nothing that ends a script element, and which the browser unpacks when it needs them:
JSON, and after a space the numbers of its arrays.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.escaping import visible
from harness.report import charts
from harness.report.answer import BEGINS
from harness.report.causes import SIDES
from harness.report.page import modules

FOLDER = Path(__file__).parent
STYLES = ("vendor/uplot", "page", "matrix", "detail", "timeline", "narrow", "paper")
SYMBOLS = {"identical": "=", "equivalent": "≈", "drift": "D", "improvement": "I",
           "regression": "R", "missing": "M", "error": "E"}
"""One character for each verdict, from best to worst: readable without colour."""
MEANINGS = {
    "identical": "the same, to the bit or to 1e-12",
    "equivalent": "within what rounding alone can do",
    "drift": "more than rounding",
    "improvement": "now keeps a promise that the baseline breaks",
    "regression": "breaks a promise that the baseline keeps",
    "missing": "one side does not have it",
    "error": "could not be measured or compared",
}
PLAIN = 200
"""Causes that a page without scripts tells of."""


def render(facts: dict[str, Any]) -> str:
    """Return the HTML of one self-contained page, the report's."""
    facts = spelled_out(facts)
    plain = [line for cause in facts["causes"][:PLAIN] for line in (
        ("h2", f"{cause['environment']}: {cause['verdict']}"),
        ("p", facts["findings"][cause["finding"]]["sentence"]),
        ("p", f"{cause['harm']['sentence']}: {cause['harm']['why']}."),
        *(("p", f"Explained: {reason}") for reason in cause["reasons"]),
        *(("code", command) for command in cause["commands"]))]
    plain += [("p", f"{entry['observed']}: {entry['problem']}") for entry in facts["not_compared"]]
    return _page("page.js", facts, [*plain, *(("p", note) for note in facts["notes"])])


def render_program(facts: dict[str, Any], commands: Sequence[str] = ()) -> str:
    """Return the HTML of one self-contained page on a user's program under two sides.

    Args:
        facts: what was judged of it, as ``harness.programs`` tells it.
        commands: what to type next.
    """
    facts = spelled_out(facts)
    verdict, problem = facts["verdict"], facts["verdict"]["problem"]
    same: str = facts["same"]
    answer = problem["what"] if problem else f"{same[:1].upper()}{same[1:]}." if same else \
        verdict["causes"][0]["sentence"]
    outcome = "failure" if problem else "difference" if verdict["exit_code"] else "match"
    plain = [("p", f"Between the sides: {facts['between']['sentence']}."),
             *(("p", cause["sentence"]) for cause in verdict["causes"])]
    return _page("program.js", {**facts, "answer": answer, "outcome": outcome,
                                "commands": list(commands)}, plain)


def _page(entry: str, facts: dict[str, Any], plain: list[tuple[str, str]]) -> str:
    """Return a page.

    Args:
        entry: the first module of its script.
        facts: with the answer and its outcome; chunks are packed apart.
        plain: what a page without scripts tells, each with its element: h2, p or code.
    """
    main = {name: value for name, value in facts.items() if name != "chunks"}
    script = _script(entry)
    return _environment().get_template("page.html.j2").render(
        facts=main, policy=_policy(script), script=script, plain=plain,
        chunks={name: pack(chunk) for name, chunk in facts.get("chunks", {}).items()},
        style=Markup("".join(_read(f"{name}.css") for name in STYLES)),
        data=pack({"facts": main, "symbols": SYMBOLS, "meanings": MEANINGS, "sides": SIDES,
                   "begins": BEGINS}))


def spelled_out(value: Any) -> Any:
    """Return JSON data with every text in it, names of entries too, made visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(key): spelled_out(child) for key, child in value.items()}
    if isinstance(value, list):
        return [spelled_out(child) for child in value]
    return value


def pack(value: dict[str, Any]) -> Markup:
    """Return JSON data for a script element that does not run; the same bytes for the same data.

    Args:
        value: if it has ``charts``, the numbers of their arrays are packed apart.
    """
    block = bytearray()
    if "charts" in value:
        value = {**value, "charts": charts.lift(value["charts"], block)}
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    return Markup(" ".join(base64.b64encode(gzip.compress(part, 6, mtime=0)).decode()
                           for part in (text, block) if part))


def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(FOLDER), autoescape=True,
                       undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@functools.cache
def _script(entry: str) -> Markup:
    """Return the script's source for inlining, refusing what would end it early."""
    source = modules.bundle(FOLDER, entry)
    lowered = source.lower()
    if "</script" in lowered or "<!--" in lowered:
        raise ValueError("the script cannot be inlined: it holds </script or <!--")
    return Markup("\n" + source.replace("\r\n", "\n").replace("\r", "\n"))


def _policy(script: Markup) -> str:
    """Return the content security policy: this script, inline styles, no network.

    Charts are sized by style attributes, so these are allowed.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
            "img-src data:; base-uri 'none'; form-action 'none'")
