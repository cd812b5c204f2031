"""The map: its layers of tiles, its search, its page."""
