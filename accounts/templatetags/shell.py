"""Tags of the page header: the reader's desks, role and city."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from accounts.navigation import STANDING, desks_for
from accounts.roles import HOME_ORDER, ROLES

register = template.Library()


@register.simple_tag(takes_context=True)
def header_desks(context: template.Context) -> dict[str, Any]:
    """Return the header's entries for the reader; the one that is open is marked.

    ``standing`` and ``folded`` are all of them: a menu for a single entry would save nothing.
    ``inside`` is the open one where it is folded away.
    """
    user, path = context["request"].user, context["request"].path
    if not user.is_authenticated:
        return {}
    entries = [
        {"label": desk.label, "icon": desk.icon, "url": reverse(desk.url_name)}
        for desk in desks_for(user.roles)
    ]
    open_url = max((e["url"] for e in entries if path.startswith(e["url"])), key=len, default="")
    entries = [entry | {"is_open": entry["url"] == open_url} for entry in entries]
    shown = STANDING if len(entries) > STANDING + 1 else len(entries)
    standing, folded = entries[:shown], entries[shown:]
    inside = next((entry["label"] for entry in folded if entry["is_open"]), "")
    return {"all": entries, "standing": standing, "folded": folded, "inside": inside}


@register.filter
def role_label(user: Any) -> str:
    """Return what the reader is first of all, such as "Acceptor"."""
    return next((str(ROLES[role].label) for role in HOME_ORDER if role in user.roles), "")
