"""Programs under the recorder: how they are started, what they open, and those that are cases."""
