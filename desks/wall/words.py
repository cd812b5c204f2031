"""The words a wall is written in: what its script puts on the screen, it has from here."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy

from cases.workflow import OPEN_STATES, STATE_LABELS
from common.durations import duration_words
from desks.wall.figures import LOG
from desks.watch.panel import SIGNS

TODAY: tuple[tuple[str, str | Promise], ...] = (
    ("reported", pgettext_lazy("today", "Reported")),
    ("filed", pgettext_lazy("today", "Filed")),
    ("handled", pgettext_lazy("today", "Handled")),
    ("closed", pgettext_lazy("today", "Closed")),
)
LIGHT_LABELS: tuple[tuple[str, str | Promise], ...] = (
    ("green", pgettext_lazy("wall", "In time")),
    ("yellow", pgettext_lazy("wall", "Due soon")),
    ("red", pgettext_lazy("wall", "Overdue")),
)


def wall_words() -> dict[str, Any]:
    """Return every word of the wall in the reader's language."""
    return {
        "durations": duration_words(),
        "states": {state: str(label) for state, label in STATE_LABELS.items()},
        "stages": [state.value for state in OPEN_STATES],
        "actions": event_words(),
        "sources": {name: str(label) for name, label, _after in SIGNS}
        | {LOG: pgettext("sign of life", "Event log")},
        "live": _("Live · delay {n} s"),
        "lost": _("Disconnected for {n} s"),
        "revoked": _("This screen may no longer show the wall. Ask an administrator for a key."),
        "silent": pgettext("source", "silent"),
        "yesterday": pgettext("wall", "yest."),
        "open": pgettext("wall", "open"),
        "late": pgettext("wall", "overdue"),
        "over": pgettext("wall", "overdue"),
        "took": pgettext("wall", "took"),
        "cells": pgettext("wall", "cells"),
        "rotates": pgettext("wall", "next in {n} s"),
        "held": pgettext("wall", "held"),
        "in_all": pgettext("wall", "%s in all"),
        "as_of": _("as of"),
        "last_days": pgettext("wall", "last 14 days"),
        "last_week": pgettext("wall", "last week"),
        "of_due": pgettext("on time", "%(part)s of %(whole)s due"),
        "areas_month": pgettext("wall", "this month · closed on time"),
        "bodies_month": pgettext("wall", "%s this month · handled on time"),
        "grades_this_month": _("Grades of the districts this month"),
        "on_time_days": _("Handled on time, last 14 days"),
        "no_evaluation": _("No evaluation figures yet"),
        "none_late": _("Nothing is overdue."),
        "none_today": _("Nothing was reported today yet."),
        "unknown_type": _("Type not yet known"),
    }


def event_words() -> dict[str, str]:
    """Return what a step is called once it is done."""
    return {
        "report": pgettext("news", "Reported"),
        "accept": pgettext("news", "Accepted"),
        "file": pgettext("news", "Filed"),
        "dispatch": pgettext("news", "Dispatched"),
        "dispatch_urgent": pgettext("news", "Dispatched at once"),
        "sign": pgettext("news", "Signed"),
        "complete": pgettext("news", "Handled"),
        "check_pass": pgettext("news", "Check passed"),
        "check_fail": pgettext("news", "Check failed"),
        "close": pgettext("news", "Closed"),
    }
