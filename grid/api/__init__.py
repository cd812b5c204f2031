"""The grid's part of API v1."""
