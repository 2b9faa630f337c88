"""The store: runs and baselines on disk, kept once each, merged, accepted and taken back."""
