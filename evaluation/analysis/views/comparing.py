"""The page that sets two side by side."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from common import clock
from common.templatetags.ui import named
from evaluation.analysis.comparing import Comparison, NotThere, compare
from evaluation.analysis.reading import day_read, hidden, invalid, key_read, sight_read
from evaluation.pages.board import MOST_ROWS, board_make
from evaluation.pages.choice import Choice, choice_read
from evaluation.periods import PERIOD_LABELS, Period, PeriodKind
from evaluation.selectors.standings import NoScorecard
from evaluation.sight import POSTS, READERS, Sight


def _second(request: HttpRequest, first: Choice, now: datetime) -> tuple[Choice, bool]:
    """Return what the first is compared with, and whether that is another object."""
    other = key_read(request.GET, "with")
    if other is not None:
        if request.GET.get("against"):
            raise invalid("with", _("Compare with another object, or with another period."))
        if other == first.object:
            raise invalid("with", _("These are the same: choose another one."))
        return replace(first, object=other), True
    if not request.GET.get("against"):
        return replace(first, period=first.period.previous), False
    day = day_read(request.GET, "against", timezone.localdate(now))
    period = Period.of(first.period.kind, day)
    if period == first.period:
        raise invalid("against", _("These are the same: choose another one."))
    return replace(first, period=period), False


@require_safe
@for_roles(*READERS)
def comparison(request: HttpRequest) -> HttpResponse:
    """Show two periods of an object, the earlier on the left, or two objects in a period."""
    now = clock.now()
    sight = sight_read(request.user, now)
    key_read(request.GET, "object")
    first = choice_read(request.GET, sight)
    if first.object is None and first.kind in POSTS:
        return _first_of_all(first, sight, now)
    second, is_object = _second(request, first, now)
    context: dict[str, Any] = {
        "choice": first,
        "kinds": [(kind.value, kind.label, kind is first.kind) for kind in sight.kinds],
        "periods": [
            (kind.value, PERIOD_LABELS[kind]) for kind in PeriodKind if kind is not PeriodKind.LIVE
        ],
        "second": second,
        "is_object": is_object,
        "today": timezone.localdate(now),
        "now": now,
    }
    try:
        earlier = not is_object and second.period < first.period
        left, right = (second, first) if earlier else (first, second)
        found = _compared(left, right, sight, now)
    except NoScorecard:
        context["error"] = {"message": _("No scorecard holds in this period")}
        return render(request, "evaluation/analysis/comparison.html", context)
    context |= {"found": found, "sides": (found.first, found.second), "objects": _objects(found)}
    return render(request, "evaluation/analysis/comparison.html", context)


def _first_of_all(choice: Choice, sight: Sight, now: datetime) -> HttpResponse:
    """Begin with whoever stands first: people are compared one by one."""
    try:
        rows = board_make(choice=choice, sight=sight, now=now, past=1).rows
    except NoScorecard:
        rows = []
    if not rows:
        raise hidden(_("Nobody is ranked there in this period."))
    here = reverse("evaluation:compare")
    return redirect(here + choice.query(object=rows[0].standing.key))


def _compared(first: Choice, second: Choice, sight: Sight, now: datetime) -> Comparison:
    try:
        return compare(first=first, second=second, sight=sight, now=now)
    except NotThere as error:
        raise hidden(_("There is no such object here.")) from error


def _objects(found: Comparison) -> list[tuple[int, str]]:
    """Return the objects one may choose, by name as the ranking has them."""
    rows = found.first.board.rows[:MOST_ROWS]
    return [(row.standing.key, named(row.standing)) for row in rows]
