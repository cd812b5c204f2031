"""Pages of collection contracts."""
