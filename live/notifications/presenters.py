"""Notifications as the inbox and the bell show them: plain data for the templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import get_language, pgettext_lazy

from accounts.models import User
from common.paging import key_page
from live.notifications.channels import address_of, channels_set_up, masked
from live.notifications.models import Notification, NotificationRule
from live.notifications.rules import Channel
from live.notifications.selectors import (
    MOST_COUNTED,
    Group,
    grouped,
    notifications_of,
    unread_count,
)
from live.notifications.wording import Wordings, number_of, path_of, with_case

PAGE_SIZE = 100
READ_SHOWN = 30  # below what is unread
SHOWN = {
    "unread": pgettext_lazy("notifications", "Unread"),
    "urgent": pgettext_lazy("notifications", "Urgent"),
    "all": pgettext_lazy("notifications", "All"),
}


def bell_context(user: User, is_open: bool) -> dict[str, Any]:
    """Return what the bell shows: "99+" beyond what anybody counts."""
    unread = unread_count(user)
    shown = f"{MOST_COUNTED - 1}+" if unread >= MOST_COUNTED else str(unread)
    return {"unread": unread, "shown": shown, "is_open": is_open}


def inbox_context(user: User, chosen: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Return the lists of the inbox for what stands in the address, or in the form sent from it.

    What is unread comes first, below it what was read last; or all in order, or what is urgent.
    """
    show = chosen.get("show", "")
    show = show if show in SHOWN else "unread"
    kind, cursor = chosen.get("kind", "")[:40], chosen.get("cursor", "")
    rows = notifications_of(user)
    kind = kind if kind.isprintable() else ""
    rows = rows.filter(kind=kind) if kind else rows
    listed = {"unread": rows.filter(read_at__isnull=True), "urgent": rows.filter(is_urgent=True)}
    page = key_page(listed.get(show, rows), cursor, size=PAGE_SIZE, order=("-position", "-pk"))
    read = rows.filter(read_at__isnull=False) if show == "unread" and not cursor else rows.none()
    read_ids = read.order_by("-position", "-pk").values_list("pk", flat=True)[:READ_SHOWN]
    found = _loaded([*page.ids, *read_ids])
    shown, earlier = (
        [found[pk] for pk in ids if pk in found] for ids in (page.ids, list(read_ids))
    )
    lines = Lines(Wordings.of_city(user.city_id), get_language() or "")
    return {
        "now": now,
        "show": show,
        "kind": kind,
        "cursor": cursor,
        "tabs": [(name, label, name == show) for name, label in SHOWN.items()],
        "kinds": _kinds_of(user),
        "groups": [lines.group(group) for group in grouped(shown)],
        "earlier": [lines.group(group) for group in grouped(earlier)],
        "until": max((row.position for row in shown), default=0),
        "has_unread": any(row.read_at is None for row in shown),
        "page": page,
    }


def _loaded(ids: list[int]) -> dict[int, Notification]:
    """Return notifications with what their words need: one query."""
    return {row.pk: row for row in with_case(Notification.objects.filter(pk__in=ids))}


def _kinds_of(user: User) -> list[tuple[str, str]]:
    """Return the kinds that the city's rules make, each named by its first rule."""
    english = (get_language() or "").startswith("en")
    rules = NotificationRule.objects.filter(city=user.city_id, is_active=True)
    names: dict[str, str] = {}
    for kind, name, name_en in rules.values_list("kind", "name", "name_en"):
        names.setdefault(kind, name_en if english and name_en else name)
    return sorted(names.items(), key=lambda pair: pair[1])


class Lines:
    """The lines of the inbox in one language."""

    def __init__(self, wordings: Wordings, language: str) -> None:
        self.wordings, self.language = wordings, language

    def group(self, group: Group) -> dict[str, Any]:
        """Return a group: its first line, those behind it, and what is marked when it is read."""
        lines = [self.line(member) for member in group.members]
        return {
            "lines": lines,
            "first": lines[0],
            "rest": lines[1:],
            "count": len(lines),
            "is_unread": group.is_unread,
            "is_urgent": group.first.is_urgent,
            "ids": [member.pk for member in group.members],
        }

    def line(self, row: Notification) -> dict[str, Any]:
        """Return one notification."""
        return {
            "pk": row.pk,
            "number": number_of(row),
            "path": path_of(row),
            "text": self.wordings.line(row, self.language),
            "at": row.happened_at,
        }


def reached(user: User, form: Any) -> list[dict[str, Any]]:
    """Return the channels that are set up: the form's field, and where the person is reached."""
    ready = channels_set_up()
    return [
        {
            "field": form[f"wants_{channel.value}"],
            "address": masked(address) if (address := address_of(user, channel.value)) else "",
        }
        for channel in (Channel.EMAIL, Channel.SMS)
        if channel.value in ready
    ]
