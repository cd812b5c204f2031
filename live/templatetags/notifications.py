"""The panel that shows whether news gets through, for the page of any desk."""

from __future__ import annotations

from typing import Any

from django import template

from common.templatetags.ui import page_now
from live.notifications.selectors import notifications_watch

register = template.Library()


@register.inclusion_tag("notifications/_watch.html", takes_context=True)
def notifications_panel(context: template.Context) -> dict[str, Any]:
    """Draw the lag of the log's readers and what waits to be sent: five queries."""
    now = page_now(context)
    return {"watch": notifications_watch(now), "now": now}
