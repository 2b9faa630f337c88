"""Callbacks for training loops that have them: what no seam of the recorder knows of.

Each module here needs the package that it is named after, and nothing else; a program adds its
callback to its own. Without a recorder a callback does nothing. Python 3.8 up.
"""
