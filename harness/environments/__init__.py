"""The pinned environments: their names, pins and order, and running something in them."""
