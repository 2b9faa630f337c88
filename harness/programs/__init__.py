"""Programs: a user's own training, tried under two sides.

Outside half. The recorder, which runs inside a side's environment, is no part of it.
"""
