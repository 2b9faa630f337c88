"""Runs: a program started on its sides, as often as it takes to tell what differs.

Outside half.
"""
