"""Comparing: which records face each other, and what is said of them."""
