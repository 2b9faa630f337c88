"""The page: its scripts, styles and template, and what makes one file of them."""
