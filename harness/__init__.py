"""Compare deep-learning framework versions by how they train."""

__version__ = "0.1.0"
