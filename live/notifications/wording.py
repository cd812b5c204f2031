"""How a notification reads: its variables, and the template of its kind, channel and language.

The most exact template wins: of the kind, then the one for every kind; in the reader's language,
then in Chinese. Without any, the event is named as the workflow names it: nobody gets an empty
line because a template is missing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.template import TemplateSyntaxError
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.workflow import ACTION_LABELS, CLOCK_LABELS, REQUEST_LABELS, STATE_LABELS, ClockKind
from common.templatetags.ui import in_language, named
from live.notifications.models import Notification, NotificationTemplate
from live.notifications.rules import SYSTEM_ACTIONS, Channel
from live.notifications.safe_template import render

logger = logging.getLogger(__name__)

DEFAULT_LANGUAGE = "zh-hans"
CASE_PARTS = ("case__type", "case__department", "case__desk", "case__district")

# What a template may name, with what it stands for.
VARIABLES: dict[str, str | Promise] = {
    "number": gettext_lazy("number of the case, or of the contract"),
    "type": gettext_lazy("type of the case"),
    "address": gettext_lazy("address of the case"),
    "district": gettext_lazy("district"),
    "state": gettext_lazy("what the case waited for then"),
    "organisation": gettext_lazy("the lead organisation, where the clock is its own"),
    "desk": gettext_lazy("the desk that holds the case"),
    "due": gettext_lazy("the deadline it had then"),
    "event": gettext_lazy("what happened, in the words of the workflow"),
    "at": gettext_lazy("when it happened"),
    "clock": gettext_lazy("the clock it is about"),
    "threshold": gettext_lazy("percent of the time used"),
    "level": gettext_lazy("level of the escalation"),
    "request": gettext_lazy("what was asked for"),
    "order": gettext_lazy("number of the order or instruction"),
    "month": gettext_lazy("the month of a statement"),
    "review": gettext_lazy("review date of a suspended case"),
    "text": gettext_lazy("the line of the inbox; not in the inbox itself"),
    "lines": gettext_lazy("all lines a message tells of; not in the inbox"),
    "count": gettext_lazy("how many notifications a message tells of"),
    "more": gettext_lazy("how many besides the first"),
    "link": gettext_lazy("address of the case or the inbox"),
}
NAMES = frozenset(VARIABLES)
KEPT = ("clock", "threshold", "level", "order", "outcome", "review_at")


def variables_kept(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a notification keeps of an event's data: identifiers and numbers, no words."""
    kept = {name: data[name] for name in KEPT if isinstance(data.get(name), (str, int, float))}
    request = data.get("request")
    if isinstance(request, dict) and isinstance(request.get("kind"), str):
        kept["request"] = request["kind"]
    return kept


@dataclass(frozen=True, slots=True)
class Wordings:
    """The templates of a city, read once: one query."""

    by_key: Mapping[tuple[str, str, str], tuple[str, str]]

    @classmethod
    def of_city(cls, city_id: int | None) -> Wordings:
        """Load a city's templates."""
        rows = NotificationTemplate.objects.filter(city=city_id)
        return cls(
            {
                (kind, channel, language): (subject, body)
                for kind, channel, language, subject, body in rows.values_list(
                    "kind", "channel", "language", "subject", "body"
                )
            }
        )

    def find(self, kind: str, channel: str, language: str) -> tuple[str, str] | None:
        """Return the most exact subject and body, None where there is none."""
        for tried in dict.fromkeys((language, DEFAULT_LANGUAGE)):
            for name in (kind, ""):
                if found := self.by_key.get((name, channel, tried)):
                    return found
        return None

    def line(self, notification: Notification, language: str) -> str:
        """Return one notification as the inbox shows it."""
        with translation.override(language):
            variables = variables_of(notification)
            found = self.find(notification.kind, Channel.INBOX, language)
            return _rendered(found[1] if found else "", variables) or _plain(variables)

    def message(
        self, notifications: list[Notification], channel: str, language: str
    ) -> tuple[str, str]:
        """Return subject and body of one message about some notifications of a kind."""
        first, count = notifications[0], len(notifications)
        with translation.override(language):
            texts = [self.line(each, language) for each in notifications[:MOST_LINES]]
            lines = [
                f"{number_of(each)} {text}"
                for each, text in zip(notifications, texts, strict=False)
            ]
            variables = variables_of(first) | {
                "text": texts[0],
                "lines": "\n".join(lines),
                "count": count,
                "more": count - 1,
                "link": link_of(notifications),
            }
            subject, body = self.find(first.kind, channel, language) or ("", "")
            text = _rendered(body, variables) or "\n".join(lines)
            title = _rendered(subject, variables) or texts[0]
            return " ".join(title.split())[:150], text


MOST_LINES = 20


def variables_of(notification: Notification) -> dict[str, Any]:
    """Return what templates may name, in the language that is active; no query with CASE_PARTS."""
    case, kept = notification.case, notification.variables
    # A department is not named beside a stage that is another's to do.
    is_theirs = case is not None and kept.get("clock", ClockKind.HANDLE) == ClockKind.HANDLE
    return {
        "number": number_of(notification),
        "type": named(case.type) if case else "",
        "address": case.address if case else "",
        "district": in_language(case.district, "name") if case else "",
        "state": str(STATE_LABELS.get(kept.get("state", ""), "")),
        "organisation": named(case.department) if case and is_theirs else "",
        "desk": named(case.desk) if case else "",
        "month": kept.get("month", ""),
        "due": _moment(kept.get("due_at")),
        "event": _action_label(kept.get("action", "")),
        "at": _moment(kept.get("at")),
        "clock": str(CLOCK_LABELS.get(_clock(kept.get("clock")), "")),
        "threshold": kept.get("threshold", ""),
        "level": kept.get("level", ""),
        "request": _request_label(kept.get("request")),
        "order": kept.get("order", ""),
        "review": _moment(kept.get("review_at")),
        "count": 1,
        "more": 0,
        "text": "",
        "lines": "",
        "link": link_of([notification]),
    }


def number_of(notification: Notification) -> str:
    """Return the number of the case, or of what else it is about."""
    case = notification.case
    return case.number if case else str(notification.variables.get("number", ""))


def path_of(notification: Notification) -> str:
    """Return where to read on about one."""
    case = notification.case
    return reverse("cases:detail", args=[case.number]) if case else notification.path


def link_of(notifications: Iterable[Notification]) -> str:
    """Return where to read on: the one case, or the inbox; absolute where the site's is known."""
    paths = {path_of(each) for each in notifications}
    return (
        f"{settings.SITE_URL}{paths.pop() if len(paths) == 1 else reverse('notifications:inbox')}"
    )


def sample_variables(language: str) -> dict[str, Any]:
    """Return invented values for the preview of a template."""
    with translation.override(language):
        return {
            "number": "202611260042",
            "type": _("Exposed rubbish"),
            "address": _("12 Wensan Road"),
            "district": _("West Lake District"),
            "state": str(STATE_LABELS["handling"]),
            "organisation": _("Sanitation department"),
            "desk": _("City desk"),
            "due": "11-26 17:00",
            "event": str(SYSTEM_ACTIONS["warn"]),
            "at": "11-26 16:12",
            "clock": str(CLOCK_LABELS[ClockKind.HANDLE]),
            "threshold": 80,
            "level": 1,
            "request": str(REQUEST_LABELS["extension"]),  # type: ignore[index]
            "order": "S202611260042-1",
            "month": "2026-11",
            "review": "12-06 09:00",
            "count": 3,
            "more": 2,
            "text": _("(the line of the inbox)"),
            "lines": _("(all lines)"),
            "link": f"{settings.SITE_URL}/notifications/",
        }


def preview(template: NotificationTemplate) -> tuple[str, str]:
    """Return subject and body with invented values.

    Raises TemplateSyntaxError for what a template may not use.
    """
    sample = sample_variables(template.language)
    return render(template.subject, sample, NAMES), render(template.body, sample, NAMES)


def _rendered(source: str, variables: Mapping[str, Any]) -> str:
    """Render; a template that was broken behind the admin's back costs its words, not the news."""
    try:
        return render(source, variables, NAMES) if source else ""
    except TemplateSyntaxError as error:
        logger.warning("A notification template is broken: %s", error)
        return ""


def _plain(variables: Mapping[str, Any]) -> str:
    parts = (variables["event"], variables["number"], variables["type"])
    return " ".join(str(part) for part in parts if part)


def _moment(text: Any) -> str:
    at = parse_datetime(text) if isinstance(text, str) else None
    return f"{timezone.localtime(at):%m-%d %H:%M}" if at else ""


def _clock(kind: Any) -> Any:
    return ClockKind(kind) if kind in {each.value for each in ClockKind} else None


def _action_label(action: str) -> str:
    return str(ACTION_LABELS.get(action) or SYSTEM_ACTIONS.get(action) or action)


def _request_label(kind: Any) -> str:
    labels = {each.value: str(label) for each, label in REQUEST_LABELS.items()}
    return labels.get(kind, "")


def with_case(rows: QuerySet[Notification]) -> QuerySet[Notification]:
    """Return notifications with what their words need: one query."""
    return rows.select_related(*CASE_PARTS)
