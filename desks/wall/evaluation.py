"""What evaluation says, for the wall: the on-time rate of handling, who stands where this month.

Every rate, score, grade and rank is evaluation's own (``evaluation.indicators``, ``scoring``);
nothing is divided here. Rankings cost more than a second's snapshot may, so this part is read
twice a minute, and says of when it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from django.utils import timezone

from accounts.models import City
from desks.wall.figures import milliseconds
from desks.wall.scope import Scope
from evaluation.indicators import INDICATORS
from evaluation.models import ObjectKind
from evaluation.periods import Period, PeriodKind
from evaluation.selectors.figures import figures_by
from evaluation.selectors.scope import EVERYWHERE
from evaluation.selectors.scope import Scope as FactScope
from evaluation.selectors.standings import NoScorecard, Standing, standings

ON_TIME = "handling_in_time_rate"
TREND_DAYS = 14
FIRST, LAST = 2, 3  # of a ranking that is longer
RATE_OF = {ObjectKind.DISTRICT: "finished_in_time_rate", ObjectKind.DEPARTMENT: ON_TIME}


def evaluation_figures(scope: Scope, now: datetime) -> dict[str, Any]:
    """Return what a wall shows of evaluation; a part without facts is None."""
    today = timezone.localdate(now)
    month = Period.of(PeriodKind.MONTH, today)
    city = City.objects.get(pk=scope.city)
    return {
        "scope": scope.key,
        "at": milliseconds(now),
        "on_time": on_time(scope, now),
        "districts": ranking(ObjectKind.DISTRICT, EVERYWHERE, month, now, city, scope.district),
        "departments": ranking(ObjectKind.DEPARTMENT, facts_of(scope), month, now, city),
        "month": month.first.isoformat(),
    }


def facts_of(scope: Scope) -> FactScope:
    """Return a wall's scope as evaluation names it."""
    return EVERYWHERE if scope.district is None else FactScope({"district": [scope.district]})


def on_time(scope: Scope, now: datetime) -> dict[str, Any] | None:
    """Return the on-time handling of today and of the days before it: one statement."""
    today = timezone.localdate(now)
    first = today - timedelta(days=TREND_DAYS)
    counts = figures_by(
        "day",
        indicators=[ON_TIME],
        period=Period(first, today + timedelta(days=1)),
        now=now,
        scope=facts_of(scope),
    )
    days = [first + timedelta(days=number) for number in range(TREND_DAYS + 1)]
    parts = [fraction(ON_TIME, counts.get(day, {})) for day in days]
    if not any(parts):
        return None
    return {"days": parts}


def fraction(key: str, counts: dict[str, int]) -> list[int] | None:
    """Return a rate as what is above and what is below the line; None where it has no value."""
    indicator = INDICATORS[key]
    below = indicator.below(counts)
    return [indicator.above(counts), below] if below else None


def ranking(
    kind: ObjectKind,
    scope: FactScope,
    period: Period,
    now: datetime,
    city: City,
    only: int | None = None,
) -> dict[str, Any] | None:
    """Return a month's ranking: all of a few, the first and last of many, with true ranks.

    ``only``: the one of them that may be shown, in its place among all.
    """
    try:
        found = standings(kind, period=period, now=now, scope=scope)
    except NoScorecard:
        return None
    ranked = [row for row in found.rows if row.place.rank is not None]
    if not ranked:
        return None
    chosen = first_and_last(ranked) if only is None else [r for r in ranked if r.key == only]
    return {"count": len(ranked), "rows": [_row(kind, row, city) for row in chosen]}


def first_and_last(rows: Sequence[Standing]) -> Sequence[Standing]:
    """Return the rows that are shown."""
    return rows if len(rows) <= FIRST + LAST else [*rows[:FIRST], *rows[-LAST:]]


def _row(kind: ObjectKind, row: Standing, city: City) -> dict[str, Any]:
    score = row.place.score
    return {
        "id": row.key,
        "rank": row.place.rank,
        "name": [  # on the city's own wall its bodies need not bear the city's name
            row.name.removeprefix(city.name) or row.name,
            (row.name_en or row.name).removeprefix(f"{city.name_en} "),
        ],
        "rate": fraction(RATE_OF[kind], row.counts),
        "score": one_decimal(score.total),
        "grade": score.grade,
    }


def one_decimal(value: Fraction | None) -> float | None:
    """Return a score as it is shown."""
    return None if value is None else float(round(value, 1))
