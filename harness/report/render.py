"""The page, rendered from the facts and from nothing else.

Outside half. Whatever a record says is untrusted: Jinja2 escapes it, control and
bidirectional characters are spelled out, and a content security policy allows the
page's own two scripts, by their hash, and no network at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

FOLDER = Path(__file__).parent
SYMBOLS = {"identical": "=", "equivalent": "≈", "drift": "D", "improvement": "I",
           "regression": "R", "missing": "M", "error": "E"}
"""One character for each verdict: readable without colour."""
MEANINGS = {
    "identical": "the same, to the bit or to 1e-12",
    "equivalent": "within what rounding alone can do",
    "drift": "more than rounding",
    "improvement": "now keeps a promise that the baseline breaks",
    "regression": "breaks a promise that the baseline keeps",
    "missing": "one side does not have it",
    "error": "could not be measured or compared",
}
_NON_FINITE = {"Infinity": "inf", "-Infinity": "-inf"}


def render(facts: dict[str, Any]) -> str:
    """Return the HTML of one self-contained page."""
    own = "".join(map(_read, ("chart.js", "page.js", "trend.js")))
    scripts = [_script(get_plotlyjs()), _script(own)]
    page = _environment().get_template("page.html.j2")
    return page.render(
        facts=facts, scripts=scripts, policy=_policy(scripts), style=Markup(_read("page.css")),
        data=_data(facts), symbols=SYMBOLS, meanings=MEANINGS)


def visible(text: str) -> str:
    """Return the text with control and formatting characters spelled out.

    A bidirectional override can make a name read as another one; it is shown as
    ``[U+202E]`` instead of obeyed. Line breaks and tabs stay.
    """
    return "".join(
        f"[U+{ord(c):04X}]" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        and c not in "\n\t" else c for c in text)


def number(value: float | str) -> str:
    """Return a number as tables show it: whole, or three digits; NaN and inf in words."""
    if isinstance(value, str):
        return _NON_FINITE.get(value, value)
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=_finalize)
    environment.filters["number"] = number
    return environment


def _finalize(value: Any) -> Any:
    """Spell out what must not act, in everything the template prints."""
    return value if isinstance(value, Markup) else visible(str(value))


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _script(source: str) -> Markup:
    """Return a script's source for inlining, refusing what would end it early."""
    lowered = source.lower()
    if "</script" in lowered or "<!--" in lowered:
        raise ValueError("the script cannot be inlined: it holds </script or <!--")
    return Markup("\n" + source.replace("\r\n", "\n").replace("\r", "\n"))


def _policy(scripts: list[Markup]) -> str:
    """Return the content security policy: these scripts, inline styles, no network.

    Plotly sets style attributes and inserts a style sheet, and draws downloaded
    images from data and blob addresses, so these are allowed.
    """
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
              for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
            "img-src data: blob:; base-uri 'none'; form-action 'none'")


def _data(facts: dict[str, Any]) -> Markup:
    """Return what the charts are drawn from as JSON that cannot leave its script element."""
    charts = {detail["id"]: detail["charts"] for detail in facts["variants"] if detail["charts"]}
    trends = {case["case"]: [group["series"] for group in case["changed"]]
              for case in facts["trend"]["cases"]}
    data = {"charts": _visible(charts), "curves": facts["curves"], "trends": _visible(trends)}
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _visible(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _visible(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_visible(child) for child in value]
    return visible(value) if isinstance(value, str) else value
