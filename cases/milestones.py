"""What counts as filed, handled and closed on a day: which events of a case's history say so.

A count and the list behind it come from the same condition. A case is counted once however often
it passed a milestone in the time asked for. When a case was reported stands on the case itself.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Case as Choice
from django.db.models import Count, Q, QuerySet, SmallIntegerField, When

from cases.models import Case, CaseEvent
from cases.models.history import MILESTONE_ACTIONS, MILESTONE_EVENTS, MILESTONES


def passed_since(milestone: str, since: datetime) -> Q:
    """Cases that passed a milestone at ``since`` or later; index event_milestone."""
    events = CaseEvent.objects.filter(MILESTONES[milestone], at__gte=since).order_by()
    return Q(pk__in=events.values("case_id"))


def milestone_counts(
    cases: QuerySet[Case], spans: dict[str, tuple[datetime, datetime]], *, whole_city: bool
) -> dict[str, dict[str, int]]:
    """Return how many of these cases passed each milestone in each span [from, until): one query.

    Spans do not overlap. Reads the index event_milestone alone for a whole city, and its cases too
    for a part.
    """
    events = CaseEvent.objects.filter(
        MILESTONE_EVENTS, at__gte=min(since for since, _until in spans.values())
    ).order_by()
    if not whole_city:
        events = events.filter(case__in=cases)
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
