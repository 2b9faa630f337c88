"""Saved programs: users' own training as cases of this project, with baselines and waivers.

Outside half. What measures them in pinned environments is in ``harness.measure.recorder``.
"""
