"""Records: what was measured, where it lies, and what it was measured on.

Inside half: standard library and NumPy only. Both halves meet here.
"""
