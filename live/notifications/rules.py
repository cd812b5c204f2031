"""What a rule of notification may ask and name; when it applies. Pure: no queries, no clock.

A rule is data: actions of events, a condition over a fixed set of facts, recipients out of a fixed
set, channels, urgency. A condition is a mapping of facts to what they must be, all of them:

    {"clock": "handle", "threshold": {"at_least": 80}, "urgency": ["urgent"]}

a value, a list of values one of which it must be, or ``at_least`` and ``at_most`` for numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.roles import Role
from cases.workflow import ACTION_LABELS, CLOCK_LABELS, REQUEST_LABELS, STATES

Facts = Mapping[str, Any]
Condition = Mapping[str, Any]


class Channel(TextChoices):
    """Where a notification may go. Every one stands in the inbox; the others are sent besides."""

    INBOX = "inbox", pgettext_lazy("channel", "Inbox")
    EMAIL = "email", _("E-mail")
    SMS = "sms", _("Text message")


SENT_CHANNELS = (Channel.EMAIL, Channel.SMS)


class Recipient(TextChoices):
    """Who may be told: always somebody with a tie to the case, or a post of the centre."""

    ADDRESSED = "addressed", _("the organisation and roles that the event names")
    LEAD_CLERKS = "lead_clerks", _("clerks of the lead organisation")
    LEAD_HEADS = "lead_heads", _("heads of the lead organisation")
    COOPERATING = "cooperating", _("clerks and heads of co-operating organisations")
    FORMER_LEAD = "former_lead", _("clerks and heads of who led until this event")
    DISPATCHERS = "dispatchers", _("dispatchers of the desk that holds the case")
    COLLECTOR = "collector", _("the collector with the open task")
    REPORTER = "reporter", _("who reported the case")
    ASKER = "asker", _("who asked for what the event decides")
    DECIDERS = "deciders", _("who decides on the request next")
    ORDERED_BY = "ordered_by", _("who gave the order or instruction replied to")
    ON_SHIFT = "on_shift", _("shift supervisors on shift, all if none is")
    SUPERVISORS = "supervisors", _("all shift supervisors")
    LEADERS = "leaders", _("the centre's leaders")
    ACCEPTORS = "acceptors", _("acceptors")


HANDLERS = frozenset({Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD, Role.PROXY_SQUAD})
CLERKS = frozenset({Role.DEPARTMENT_CLERK, Role.PROXY_SQUAD})

# What the system and other parts write besides the acts of the workflow's table.
SYSTEM_ACTIONS: dict[str, str | Promise] = {
    "report": _("Report"),
    "warn": _("Deadline near"),
    "breach": _("Deadline passed"),
    "escalate": _("Escalated"),
    "urge": _("Urged"),
    "issue_statement": _("Statement issued"),  # of no case: live.notifications.notices
}

TEXT_FACTS: dict[str, tuple[str, ...] | None] = {  # the values there are; None: any
    "old_state": STATES,
    "new_state": STATES,
    "role": None,
    "urgency": ("normal", "urgent"),
    "source": None,
    "type_kind": ("component", "event"),
    "clock": tuple(kind.value for kind in CLOCK_LABELS),
    "request": tuple(kind.value for kind in REQUEST_LABELS),
    "outcome": None,
}
NUMBER_FACTS = frozenset({"threshold", "level", "rework_count"})
TRUTH_FACTS = frozenset({"by_system", "was_overdue", "is_step"})
BOUNDS = ("at_least", "at_most")


def action_choices() -> list[tuple[str, str | Promise]]:
    """Return every action a rule may name, with its label."""
    labels = SYSTEM_ACTIONS | {str(action): label for action, label in ACTION_LABELS.items()}
    return sorted(labels.items(), key=lambda pair: pair[0])


def facts_of(event: Any, case: Any) -> dict[str, Any]:
    """Return what conditions may ask of an event and its case as it is now; no query."""
    data = event.data
    request = data.get("request")
    return {
        "role": event.role,
        "old_state": event.old_state,
        "new_state": event.new_state,
        "by_system": event.actor_id is None,
        "urgency": case.urgency,
        "source": case.source,
        "type_kind": case.type.kind if case.type_id else None,
        "rework_count": case.rework_count,
        "was_overdue": case.due_at is not None and case.due_at < event.at,
        "clock": data.get("clock"),
        "threshold": data.get("threshold"),
        "level": data.get("level"),
        "outcome": data.get("outcome"),
        "request": request.get("kind") if isinstance(request, dict) else None,
        # One approval of several: the request waits for the next one.
        "is_step": isinstance(request, dict) and "step" in request,
    }


def holds(condition: Condition, facts: Facts) -> bool:
    """Tell whether every fact is what the condition asks; an empty condition always holds."""
    return all(_fits(wanted, facts.get(name)) for name, wanted in condition.items())


def _fits(wanted: Any, fact: Any) -> bool:
    if isinstance(wanted, dict):
        if not _is_number(fact):
            return False
        return wanted.get("at_least", fact) <= fact <= wanted.get("at_most", fact)
    if isinstance(wanted, list):
        return any(_same(each, fact) for each in wanted)
    return _same(wanted, fact)


def _same(wanted: Any, fact: Any) -> bool:
    """Compare without letting true be 1."""
    return wanted == fact and isinstance(wanted, bool) is isinstance(fact, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def condition_faults(condition: Any) -> list[str | Promise]:
    """Return what is wrong with a condition, in sentences; none when it may be saved."""
    if not isinstance(condition, dict):
        return [_('A condition is written {"fact": value}.')]
    return [fault for name, wanted in condition.items() for fault in _entry_faults(name, wanted)]


def _entry_faults(name: str, wanted: Any) -> list[str | Promise]:
    known = {*TEXT_FACTS, *NUMBER_FACTS, *TRUTH_FACTS}
    if name not in known:
        sentence = _("There is no fact “%(name)s”. There are: %(known)s.")
        return [sentence % {"name": name, "known": ", ".join(sorted(known))}]
    if isinstance(wanted, dict):
        is_right = (
            name in NUMBER_FACTS
            and bool(wanted)
            and set(wanted) <= set(BOUNDS)
            and all(_is_number(bound) for bound in wanted.values())
        )
        return [] if is_right else [_wrong_value(name)]
    values = wanted if isinstance(wanted, list) else [wanted]
    return [] if values and all(_may_be(name, value) for value in values) else [_wrong_value(name)]


def _may_be(name: str, value: Any) -> bool:
    if name in TRUTH_FACTS:
        return isinstance(value, bool)
    if name in NUMBER_FACTS:
        return _is_number(value)
    choices = TEXT_FACTS[name]
    return isinstance(value, str) and (choices is None or value in choices)


def _wrong_value(name: str) -> str | Promise:
    choices = TEXT_FACTS.get(name)
    sentence = _("“%(name)s” cannot have this value. Possible: %(values)s.")
    values = ", ".join(choices) if choices else str(_("a number, or at_least and at_most"))
    if name in TRUTH_FACTS:
        values = "true, false"
    elif name in TEXT_FACTS and not choices:
        values = str(_("a text"))
    return sentence % {"name": name, "values": values}


# ── when something is sent ────────────────────────────────────────────────────────────────────

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
MOST_ATTEMPTS = 8


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many vain attempts: 30 s, 1, 2, 4 … min, at most 1 h."""
    return min(FIRST_PAUSE * 2 ** max(attempts - 1, 0), LONGEST_PAUSE)


def quiet_until(now: datetime, quiet_from: time | None, quiet_to: time | None) -> datetime:
    """Return when somebody may be disturbed: ``now``, or the end of the quiet hours it lies in.

    ``now`` is local. Hours may cross midnight: of 22:00 to 07:00, 23:30 is quiet until 07:00
    tomorrow. Half-open: at 07:00 it is no longer quiet. Equal hours mean none.
    """
    if quiet_from is None or quiet_to is None or quiet_from == quiet_to:
        return now
    at = now.time()
    if quiet_from < quiet_to:
        is_quiet = quiet_from <= at < quiet_to
    else:
        is_quiet = at >= quiet_from or at < quiet_to
    if not is_quiet:
        return now
    end = datetime.combine(now.date(), quiet_to, tzinfo=now.tzinfo)
    return end if end > now else end + timedelta(days=1)
