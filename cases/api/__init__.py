"""The cases part of API v1."""
