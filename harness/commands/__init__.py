"""The commands: one function each, named as on the command line.

Only these modules print. ``measure`` runs in both halves and imports nothing of the outside
half; the others are outside.
"""
