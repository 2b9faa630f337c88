"""Recorder of a user's unmodified training program: ``python -m harness.measure.recorder``.

Inside half: standard library and NumPy; a framework is imported only by the modules named
after it, and only once the program has imported it. Nothing here may change a bit of what
the program computes, nor draw a random number.
"""
