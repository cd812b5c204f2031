"""Writing facts and their sums."""
