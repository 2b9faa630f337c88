"""The history: every night kept, and what changed over many of them."""
