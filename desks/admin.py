"""The admin of the desks; Django looks for it here."""

from desks.wall import admin  # noqa: F401
