"""The harness in a notebook: curves, verdicts, timelines and histories as pandas' tables.

Outside half. ``harness.open`` is the way in.
"""
