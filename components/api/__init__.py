"""API v1 of the catalogue and the register."""
