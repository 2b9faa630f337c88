"""Measuring: runs in a pinned environment, on Python 3.8 and later, NumPy and one framework.

It never imports a room that judges, and none of these imports it.
"""
