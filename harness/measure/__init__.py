"""What runs in a pinned environment: standard library, NumPy and one framework.

Inside half: Python 3.8 up. It never imports what judges.
"""
