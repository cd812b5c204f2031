"""The admin of the live app; Django looks for it here."""

from live.notifications import admin  # noqa: F401
