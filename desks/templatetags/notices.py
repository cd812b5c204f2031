"""The notices a reader has not read, above every page."""

from __future__ import annotations

from typing import Any

from django import template

from common.templatetags.ui import page_now
from desks.notices.services import notices_unread
from desks.notices.views import HAS_UNREAD

register = template.Library()


@register.inclusion_tag("desks/notices/_above.html", takes_context=True)
def notices_above(context: template.Context) -> dict[str, Any]:
    """Draw them with the page for somebody who had some: what came later would push it down.

    For everybody else the page fetches them, without a query of its own.
    """
    request, now = context["request"], page_now(context)
    unread = notices_unread(request.user, now) if HAS_UNREAD in request.COOKIES else []
    return {"notices": unread, "now": now, "csrf_token": context.get("csrf_token")}
