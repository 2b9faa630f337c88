"""A judgement shown: in a terminal, in Markdown, in JSON, and as facts for a page."""
