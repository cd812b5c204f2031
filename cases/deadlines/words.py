"""What was done about a deadline, by the system or by who urges, in words for the history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.roles import role_label
from cases.models import CaseEvent
from cases.workflow import CLOCK_LABELS, DEADLINE_ACTIONS, ClockKind

LATE = timedelta(minutes=1)  # a scan is due every 15 seconds


def bodies_told(events: Iterable[CaseEvent]) -> set[int]:
    """Return the ids of the bodies that were told."""
    return {
        event.data["organisation"]
        for event in events
        if event.action in (*DEADLINE_ACTIONS, "urge") and event.data.get("organisation")
    }


def step_lines(event: CaseEvent, names: dict[int, str]) -> list[str]:
    """Return what a step was about, whom it told, and if it came late, when it should have."""
    data = event.data
    if event.action == "urge":
        told = told_words(data, names)
        return [f"→ {told}"] if told else []
    if event.action not in DEADLINE_ACTIONS:
        return []
    label = str(CLOCK_LABELS[ClockKind(data["clock"])])
    if event.action == "recalculate":
        moved = f"{short(data['from'])} → {short(data['to'])}"
        return [f"{label} · {moved}", f"{data['calendar']} v{data['version']}"]
    lines = [f"{label} · {reached(data)}"]
    if told := told_words(data, names):
        lines.append(f"→ {told}")
    due = datetime.fromisoformat(data["due"])
    if event.at - due > LATE:
        lines.append(_("It should have come at %(moment)s.") % {"moment": short(data["due"])})
    return lines


def reached(data: dict) -> str:
    """Return how far the clock was, and for an escalation to which level it went."""
    if data.get("threshold"):
        words = _("%(percent)s %% of the limit used") % {"percent": data["threshold"]}
    else:
        words = _("%(minutes)s min after the deadline") % {"minutes": data["late_minutes"]}
    if data["level"]:
        words += " · " + _("level %(level)s") % {"level": data["level"]}
    return words


def told_words(data: dict, names: dict[int, str]) -> str:
    """Return the body and the roles a step told."""
    labels = [role_label(code) for code in data.get("roles", ())]
    body = names.get(data.get("organisation") or 0, "")
    return " · ".join(part for part in (body, _(", ").join(labels)) if part)


def short(moment: str) -> str:
    """Return a stored moment in the city's time, without its year."""
    return f"{timezone.localtime(datetime.fromisoformat(moment)):%m-%d %H:%M}"
