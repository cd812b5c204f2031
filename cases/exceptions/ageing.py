"""Suspended cases by age: since when, why, until when, and whether they were late already."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from cases.errors import invalid
from cases.models import ApprovalRequest, Case
from cases.workflow import RequestKind, State

AGES: tuple[tuple[str, str | Promise, int, int | None], ...] = (  # key, label, days from, to
    ("week", gettext_lazy("up to 7 days"), 0, 7),
    ("month", gettext_lazy("8 to 30 days"), 7, 30),
    ("quarter", gettext_lazy("31 to 90 days"), 30, 90),
    ("longer", gettext_lazy("over 90 days"), 90, None),
)


def suspended_cases(user: User) -> QuerySet[Any]:
    """Return the suspended cases a person may see, each with the suspension that holds it.

    By the partial index case_review: a suspended case has a review date. Of them there are few:
    each is asked whether it may be seen.
    """
    granted = ApprovalRequest.objects.filter(
        case=OuterRef("pk"),
        kind=RequestKind.SUSPENSION.value,
        status=ApprovalRequest.Status.APPROVED,
    ).order_by("-decided_at")
    return (
        Case.objects.visible_to(user, from_case=True)
        .filter(state=State.SUSPENDED.value, review_at__isnull=False)
        .annotate(
            suspended_at=Coalesce(Subquery(granted.values("decided_at")[:1]), F("reported_at")),
            suspension_id=Subquery(granted.values("pk")[:1]),
        )
    )


def age_condition(age: str, now: datetime) -> Q:
    """Return what an age keeps, counted from the approval; half-open."""
    for key, _label, first, last in AGES:
        if key == age:
            where = Q(suspended_at__lte=now - timedelta(days=first))
            return where & Q(suspended_at__gt=now - timedelta(days=last)) if last else where
    values = ", ".join(key for key, *_rest in AGES)
    raise invalid("age", _("Choose one of: %(values)s.") % {"values": values})


def of_department(rows: QuerySet[Any], query: Mapping[str, str]) -> QuerySet[Any]:
    """Keep those of the department an address names, if any."""
    department = query.get("department", "")
    if "\x00" in department:
        raise invalid("department", _("This contains characters that cannot be searched."))
    return rows.filter(department__code=department) if department else rows


def of_age(rows: QuerySet[Any], query: Mapping[str, str], now: datetime) -> QuerySet[Any]:
    """Keep those of the age an address names, if any, the longest suspended first."""
    if age := query.get("age", ""):
        rows = rows.filter(age_condition(age, now))
    return rows.order_by("suspended_at", "pk")


def age_counts(rows: QuerySet[Case], now: datetime) -> dict[str, int]:
    """Return how many cases there are of every age: one query."""
    return rows.order_by().aggregate(
        **{key: Count("pk", filter=age_condition(key, now)) for key, *_rest in AGES},
        all=Count("pk"),
    )
