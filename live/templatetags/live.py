"""What a page needs to follow the event log from the moment it was made."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext as _

from live.services import head

register = template.Library()


@register.simple_tag(takes_context=True)
def live_settings(context: template.Context) -> dict[str, Any]:
    """Return where the log stood when the page began to be made, and what is news to it.

    A view names the states whose arrival is news as ``watch``.
    """
    position = getattr(context["request"], "live_position", None)
    return {
        "position": head() if position is None else position,
        "feed": "/api/v1/events/",
        "rows": reverse("live:rows"),
        "socket": "/ws/live/",
        "watch": [str(state) for state in context.get("watch") or ()],
        "words": {
            "ok": _("Live"),
            "delay": _("Live · delay {n} s"),
            "connecting": _("Connecting"),
            "stale": _("Nothing new for {n} s"),
            "refused": _("You are logged out"),
        },
    }
