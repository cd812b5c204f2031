"""What counts as filed, handled and closed on a day: which events of a case's history say so.

A count and the list behind it come from the same condition. A case is counted once however often
it passed a milestone in the time asked for. When a case was reported stands on the case itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Case as Choice
from django.db.models import Count, Q, SmallIntegerField, When
from django.utils import timezone

from cases.models import CaseEvent
from cases.models.history import MILESTONE_ACTIONS, MILESTONE_EVENTS, MILESTONES, PASSED_BY

DAY = timedelta(days=1)


def passed_since(milestone: str, since: datetime) -> Q:
    """Cases that passed a milestone at ``since`` or later; index event_milestone."""
    events = CaseEvent.objects.filter(MILESTONES[milestone], at__gte=since).order_by()
    return Q(pk__in=events.values("case_id"))


def milestone_of(action: str, new_state: str) -> str | None:
    """Return the milestone a step passes, by the same rule as ``MILESTONES``."""
    if action == "accept":
        return "filed" if new_state == "filed" else None
    return PASSED_BY.get(action)


def day_spans(now: datetime) -> dict[str, tuple[datetime, datetime]]:
    """Return today until now, and yesterday until the same hour."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    just_after = now + timedelta(microseconds=1)  # what happened now has happened
    return {"today": (midnight, just_after), "yesterday": (midnight - DAY, just_after - DAY)}


def milestone_counts(
    spans: dict[str, tuple[datetime, datetime]],
) -> dict[str, dict[str, int]]:
    """Return how many cases passed each milestone in each span [from, until): one query.

    Spans do not overlap. Reads the index event_milestone alone.
    """
    events = CaseEvent.objects.filter(
        MILESTONE_EVENTS, at__gte=min(since for since, _until in spans.values())
    ).order_by()
    kinds = [(milestone, name) for milestone in MILESTONES for name in spans]
    conditions = [
        MILESTONE_ACTIONS[milestone] & Q(at__gte=spans[name][0], at__lt=spans[name][1])
        for milestone, name in kinds
    ]
    whens = [When(condition, then=place) for place, condition in enumerate(conditions)]
    kind = Choice(*whens, default=None, output_field=SmallIntegerField())
    counted = events.values(kind=kind).annotate(n=Count("case_id", distinct=True))
    found = dict(counted.values_list("kind", "n"))
    return {
        milestone: {name: found.get(kinds.index((milestone, name)), 0) for name in spans}
        for milestone in MILESTONES
    }
