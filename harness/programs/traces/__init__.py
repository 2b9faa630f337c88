"""Traces of programs: read, put beside each other, and how far apart they are."""
