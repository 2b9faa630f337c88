"""Reading: whatever anybody wrote, decoded, typed and checked before it is compared."""
