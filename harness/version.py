"""The version of the harness; it imports nothing."""

__version__ = "0.1.0"
