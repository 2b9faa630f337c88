"""The page of what was found: true to the stored records, and linked to its sources."""

from __future__ import annotations

from pathlib import Path

from harness.commands.tables import found
from harness.compare import timeline, waivers
from harness.records.project import Project


def test_the_page_is_that_of_the_stored_records(checkout: Project) -> None:
    """docs/found.md says what the timeline and the waivers say now."""
    page = found.render(timeline.load(checkout, (), (), ()),
                        waivers.load(checkout.root / "results" / "waivers.toml"))
    stored = Path(checkout.root / "docs" / "found.md").read_text(encoding="utf-8")
    assert page == stored, "write it anew: harness timeline --markdown docs/found.md"
    assert "[elixir-nx/axon#535](https://github.com/elixir-nx/axon/issues/535)" in page
