"""What a page needs to follow the event log from the moment it was made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.translation import gettext as _

from live.services import head

register = template.Library()


@register.simple_tag
def live_settings(watch: Iterable[str]) -> dict[str, Any]:
    """Return where the log stands and which states entered are news to this page."""
    return {
        "position": head(),
        "feed": "/api/v1/events/",
        "socket": "/ws/live/",
        "watch": [str(state) for state in watch],
        "words": {"ok": _("Live"), "lost": _("Connection lost")},
    }
