"""The page, rendered from the facts and from nothing else.

Outside half. What is read first stands in the page as HTML and needs no script; the
matrix, the details and their charts are drawn by the page's own scripts from the
facts that it carries. A content security policy allows these scripts by their hashes, and no
network at all. A record's text is untrusted: control and bidirectional characters are spelled
out wherever the page may show them. Data are gzip in base64, which can hold nothing that ends
a script element, and which the browser unpacks when it needs them.
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
from plotly.offline import get_plotlyjs

from harness.compare.checks.finding import CAUSE
from harness.compare.checks.probes import CONTRAST, PHASES
from harness.escaping import visible

FOLDER = Path(__file__).parent / "page"
SCRIPTS = ("data", "text", "state", "cells", "filters", "matrix", "grid", "figure", "curves",
           "chart", "probes", "native", "metrics", "findings", "subject", "detail",
           "frameworks", "timeline", "trend", "paper", "page")
"""The page's scripts in the order in which they use each other."""
STYLES = ("page", "matrix", "detail", "timeline", "narrow", "paper")
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
LONG = 700
"""Characters of one text that are shown before the rest is folded."""
_NON_FINITE = {"Infinity": "inf", "-Infinity": "-inf"}


def render(facts: dict[str, Any]) -> str:
    """Return the HTML of one self-contained page."""
    facts = spelled_out(facts)
    chunks = {name: pack(chunk) for name, chunk in facts["chunks"].items()}
    main = {name: value for name, value in facts.items() if name != "chunks"}
    changes = sorted(facts["changes"], key=lambda c: -list(SYMBOLS).index(c["verdict"]))
    own = _own_script()
    return _environment().get_template("page.html.j2").render(
        facts=main, changes=changes, policy=_policy((own, _plotly())), script=own,
        plotly=_packed_plotly(), chunks=chunks,
        style=Markup("".join(_read(f"{name}.css") for name in STYLES)),
        data=pack({"facts": main, "symbols": SYMBOLS, "meanings": MEANINGS, "phases": PHASES,
                   "long": LONG, "contrast": CONTRAST, "cause": CAUSE}),
        symbols=SYMBOLS, meanings=MEANINGS, phases=PHASES, long=LONG)


def number(value: float | str) -> str:
    """Return a number as tables show it: whole, or three digits; NaN and inf in words."""
    if isinstance(value, str):
        return _NON_FINITE.get(value, value)
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def duration(seconds: float) -> str:
    """Return a time as people say it: 48 s, 12 min, 3 h 5 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(number=number, duration=duration)
    return environment


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _own_script() -> Markup:
    parts = "\n".join(_read(f"{name}.js") for name in SCRIPTS)
    return _inline(f'(() => {{\n"use strict";\n{parts}\n}})();\n')


@functools.cache
def _plotly() -> Markup:
    return _inline(get_plotlyjs())


@functools.cache
def _packed_plotly() -> Markup:
    return pack_text(_plotly())


def _inline(source: str) -> Markup:
    """Return a script's source for inlining, refusing what would end it early."""
    lowered = source.lower()
    if "</script" in lowered or "<!--" in lowered:
        raise ValueError("the script cannot be inlined: it holds </script or <!--")
    return Markup("\n" + source.replace("\r\n", "\n").replace("\r", "\n"))


def _policy(scripts: tuple[Markup, ...]) -> str:
    """Return the content security policy: these scripts, inline styles, no network.

    Plotly sets style attributes and inserts a style sheet, and draws downloaded
    images from data and blob addresses, so these are allowed.
    """
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
              for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
            "img-src data: blob:; base-uri 'none'; form-action 'none'")


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
    """Return JSON data for a script element that does not run."""
    return pack_text(json.dumps(value, separators=(",", ":"), allow_nan=False))


def pack_text(text: str) -> Markup:
    """Return a text for a script element that does not run; the same bytes for the same text."""
    return Markup(base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode())
