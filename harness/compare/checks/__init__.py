"""The checks: what the numbers of one variant say, finding by finding."""
