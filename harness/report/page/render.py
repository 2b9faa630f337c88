"""The page, rendered from the facts and from nothing else.

Outside half. The page's own scripts draw it from the facts that it carries; what is read first
also stands in it as plain HTML, for whoever has no scripts. A content security policy allows the
one script by its hash, and no network at all. A record's text is untrusted: control and
bidirectional characters are spelled out wherever the page may show them. Data are gzip in base64,
which can hold nothing that ends a script element, and which the browser unpacks when it needs them.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.escaping import visible
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


def render(facts: dict[str, Any], entry: str = "page.js") -> str:
    """Return the HTML of one self-contained page.

    Args:
        facts: with ``answer``, ``outcome`` and, packed apart, ``chunks``.
        entry: the page's first module.
    """
    facts = spelled_out(facts)
    chunks = {name: pack(chunk) for name, chunk in facts.get("chunks", {}).items()}
    main = {name: value for name, value in facts.items() if name != "chunks"}
    script = _script(entry)
    return _environment().get_template("page.html.j2").render(
        facts=main, policy=_policy(script), script=script, chunks=chunks, plain=PLAIN,
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


def pack(value: Any) -> Markup:
    """Return JSON data for a script element that does not run; the same bytes for the same data."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode())


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
