"""The event feed of API v1."""
