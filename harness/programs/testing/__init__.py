"""A training checked by a test of the user's own: the pytest plugin, and what it keeps."""
