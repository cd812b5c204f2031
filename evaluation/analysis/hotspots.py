"""Hot spots: places where cases of one type, or one class, keep coming back.

*Rule.* Of the cases filed within the days (``filed``, each case once), those of one type (or class)
are a hot spot that lie together: each within so many metres of a case that has, itself counted, at
least ``case_count`` such cases within these metres (DBSCAN). What was refused, voided or merged
since is left out, as where supervision is proposed (``cases.exceptions.repeats``): nothing was
wrong there. That page looks at cells and components by the city's rules; this one at distance,
within limits its reader chooses.

Cost: facts of the days by the BRIN index ``fact_day``, their cases by key; no more than
``MOST_CASES`` are put together.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from cases.exceptions.repeats import LEFT_OUT
from evaluation.periods import Period
from evaluation.selectors.behind import cases_behind
from evaluation.selectors.figures import figures
from evaluation.selectors.scope import EVERYWHERE, Mark, Scope

METRES, DAYS, CASES = (5, 200), (2, 92), (2, 50)  # what a reader may choose
USUAL_METRES, USUAL_DAYS, USUAL_CASES = 30, 30, 3
MOST_CASES = 200_000
MOST_SPOTS = 100


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, and where. ``departments``: only cases these bodies had last."""

    period: Period
    metres: int = USUAL_METRES
    case_count: int = USUAL_CASES
    by_class: bool = False
    class_id: int | None = None
    scope: Scope = EVERYWHERE
    departments: Collection[int] | None = None
    until: Mark | None = None  # what was known when a period was frozen


@dataclass(frozen=True, slots=True)
class Spot:
    """A place with its cases. ``kind_id``: type or class; ``first_case`` names it in addresses."""

    kind_id: int
    case_count: int
    first_at: datetime
    last_at: datetime
    open_count: int
    late_count: int
    first_case: int
    last_case: int
    street_id: int
    lon: float
    lat: float
    facts: list[int]

    @property
    def span(self) -> timedelta:
        """From the first of its cases to the last."""
        return self.last_at - self.first_at


class TooManyCases(Exception):
    """More cases than are put together at once: fewer days, or a smaller part of the city."""


# Metres of the city's own projection; a point on the border of two places goes to the older.
_CLUSTERED = f"""
WITH filed AS (
    SELECT DISTINCT ON (case_id) id, case_id, kind_id, happened_at
    FROM ({{facts}}) AS fact (id, case_id, kind_id, happened_at) ORDER BY case_id, id
), placed AS MATERIALIZED (
    SELECT filed.*, c.point, c.street_id, c.is_open,
        c.is_open AND c.due_at < %s AS is_late,
        ST_Transform(c.point, {int(settings.GEO_METRIC_SRID)}) AS spot
    FROM filed JOIN cases_case AS c ON c.id = filed.case_id
), grouped AS (
    SELECT placed.*, ST_ClusterDBSCAN(spot, eps := %s, minpoints := %s)
        OVER (PARTITION BY kind_id ORDER BY case_id) AS number
    FROM placed
)
SELECT kind_id, count(*) AS case_count, min(happened_at), max(happened_at),
    count(*) FILTER (WHERE is_open), count(*) FILTER (WHERE is_late),
    min(case_id), max(case_id), mode() WITHIN GROUP (ORDER BY street_id),
    ST_X(ST_Centroid(ST_Collect(point))), ST_Y(ST_Centroid(ST_Collect(point))),
    array_agg(id ORDER BY id)
FROM grouped WHERE number IS NOT NULL
GROUP BY kind_id, number
HAVING count(*) >= %s {{chosen}}
ORDER BY case_count DESC, max(happened_at) DESC, min(case_id) LIMIT {MOST_SPOTS + 1}
"""  # noqa: S608  our own words and numbers of the settings


def filed_count(search: Search, now: datetime) -> int:
    """Return how many were filed where is looked, as the board counts them."""
    found = figures(
        indicators=["filed"],
        period=search.period,
        now=now,
        scope=search.scope,
        until=search.until,
    )
    return found.get((), {}).get("filed", 0)


def hot_spots(search: Search, *, now: datetime) -> list[Spot]:
    """Return the places with the most cases first, ``MOST_SPOTS`` and one at most.

    Raises:
        TooManyCases: more than ``MOST_CASES`` were filed there in these days.
    """
    if filed_count(search, now) > MOST_CASES:
        raise TooManyCases
    return _found(search, now)


def hot_spot(search: Search, first_case: int, *, now: datetime) -> Spot | None:
    """Return the place whose first case is this one; None where it is none, or not any more."""
    if filed_count(search, now) > MOST_CASES:
        raise TooManyCases
    found = _found(search, now, first_case)
    return found[0] if found else None


def _found(search: Search, now: datetime, first_case: int | None = None) -> list[Spot]:
    facts = cases_behind(
        "filed", period=search.period, now=now, scope=search.scope, until=search.until
    ).facts
    facts = facts.filter(type__isnull=False).exclude(case__state__in=LEFT_OUT)
    if search.class_id is not None:
        facts = facts.filter(type__type_class=search.class_id)
    if search.departments is not None:
        facts = facts.filter(case__department__in=search.departments)
    kind = "type__type_class_id" if search.by_class else "type_id"
    shown = facts.order_by().values_list("id", "case_id", kind, "happened_at")
    sql, values = shown.query.sql_with_params()
    chosen = "" if first_case is None else "AND min(case_id) = %s"
    one = [] if first_case is None else [first_case]
    count = search.case_count
    with connection.cursor() as cursor:
        cursor.execute(
            _CLUSTERED.format(facts=sql, chosen=chosen),
            [*values, now, search.metres, count, count, *one],
        )
        return [Spot(*row) for row in cursor.fetchall()]
