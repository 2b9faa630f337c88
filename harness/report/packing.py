"""What the page carries, made harmless and small.

Outside half. A record's text is untrusted: control and bidirectional characters are
spelled out wherever the page may show them. Data are gzip in base64, which can hold
nothing that ends a script element, and which the browser unpacks when it needs them.
"""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from markupsafe import Markup

from harness.escaping import visible


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
