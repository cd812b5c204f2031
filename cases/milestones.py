"""What counts as filed, handled and closed on a day: which events of a case's history say so.

A count and the list behind it come from the same condition. A case is counted once however often
it passed a milestone in the time asked for. When a case was reported stands on the case itself.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.aggregates import BoolOr
from django.db.models import Count, Q, QuerySet

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

    Reads the index event_milestone alone for a whole city, and its cases too for a part. Events are
    gathered by case first: a distinct count sorts them once for each of the numbers.
    """
    events = CaseEvent.objects.filter(
        MILESTONE_EVENTS, at__gte=min(since for since, _until in spans.values())
    ).order_by()
    if not whole_city:
        events = events.filter(case__in=cases)
    passed = {
        f"{milestone}_{name}": BoolOr(condition & Q(at__gte=since, at__lt=until))
        for milestone, condition in MILESTONE_ACTIONS.items()
        for name, (since, until) in spans.items()
    }
    by_case = events.values("case_id").annotate(**passed)
    found = by_case.aggregate(
        **{f"n_{name}": Count("case_id", filter=Q(**{name: True})) for name in passed}
    )
    return {
        milestone: {name: found[f"n_{milestone}_{name}"] for name in spans}
        for milestone in MILESTONES
    }
