"""Base85 is the standard library's, faster."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.store import base85


@given(st.binary(max_size=300))
def test_decodes_what_the_standard_library_encodes(data: bytes) -> None:
    """Any bytes, of any length."""
    assert base85.decode(base64.b85encode(data).decode("ascii")) == data


@given(st.text("0Az~| \"\n\u00e9", max_size=12))
def test_refuses_what_the_standard_library_refuses(text: str) -> None:
    """A foreign character, or five that are more than four bytes."""
    try:
        expected = base64.b85decode(text)
    except ValueError:
        with pytest.raises(ValueError):
            base85.decode(text)
    else:
        assert base85.decode(text) == expected
