"""Where effects are found by the name the workflow table gives them."""

from __future__ import annotations

from collections.abc import Callable

from cases.services.context import Act

Effect = Callable[[Act], None]
EFFECTS: dict[str, Effect] = {}


def effect(function: Effect) -> Effect:
    """Register a function under its name, as the table writes it."""
    EFFECTS[function.__name__] = function
    return function
