"""Sides: what is asked for, resolved and made into environments by uv.

Outside half.
"""
