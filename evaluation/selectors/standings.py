"""Standings: every object of a kind with its figures, score, grade and rank in a period.

Figures come from ``evaluation.selectors.figures`` in one statement, scores and ranks from
``evaluation.scoring``. Objects without a case are there too: a cell where nothing was found is a
good cell; a department that had nothing to do has no rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.gis.db.models.functions import PointOnSurface
from django.db.models import Exists, OuterRef, Q

from accounts.models import Organisation, User
from accounts.roles import Role
from evaluation.indicators import measures_of
from evaluation.models import ComparisonMember, ObjectKind, Scorecard
from evaluation.periods import Period
from evaluation.scoring import Card, Place, Score, ranked, score
from evaluation.selectors.figures import figures_by
from evaluation.selectors.scope import EVERYWHERE, Mark, Scope
from grid.models import Area, GridCell, Zone

DIMENSION_OF = {
    ObjectKind.DISTRICT: "district",
    ObjectKind.STREET: "street",
    ObjectKind.COMMUNITY: "community",
    ObjectKind.CELL: "cell",
    ObjectKind.DEPARTMENT: "organisation",
    ObjectKind.CONTRACTOR: "organisation",
    ObjectKind.COLLECTOR: "person",
    ObjectKind.ACCEPTOR: "person",
    ObjectKind.SHIFT_SUPERVISOR: "person",
    ObjectKind.DISPATCHER: "person",
}
ROLE_OF = {
    ObjectKind.COLLECTOR: Role.COLLECTOR,
    ObjectKind.ACCEPTOR: Role.ACCEPTOR,
    ObjectKind.SHIFT_SUPERVISOR: Role.SHIFT_SUPERVISOR,
    ObjectKind.DISPATCHER: Role.DISPATCHER,
}
AREAS = frozenset({ObjectKind.DISTRICT, ObjectKind.STREET, ObjectKind.COMMUNITY})
HANDLERS = (
    Organisation.Kind.DEPARTMENT,
    Organisation.Kind.ENTERPRISE,
    Organisation.Kind.STREET,
    Organisation.Kind.COMMUNITY,
    Organisation.Kind.DISTRICT,
    Organisation.Kind.SQUAD,
)
GRADE_1, GRADE_2 = "grade-1", "grade-2"  # key zones; control and ordinary ones


class NoScorecard(LookupError):
    """No scorecard of this kind holds on the day."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An object in its place, with the measures its figures are made of."""

    key: int
    name: str
    name_en: str
    place: Place[int]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Standings:
    """A ranking: its scorecard, and the objects in order."""

    scorecard: Scorecard | None  # None: frozen, and the version is gone
    card: Card
    rows: list[Standing]


def standings(
    kind: str,
    *,
    period: Period,
    now: datetime,
    scope: Scope = EVERYWHERE,
    until: Mark | None = None,
    scorecard: Scorecard | None = None,
    counts: Mapping[Any, dict[str, int]] | None = None,
) -> Standings:
    """Return every object of a kind in the order of their ranks, those without one last.

    By the scorecard that holds on the period's first day, unless another is given; by ``counts``,
    what ``figures_by`` gave, where they are known already. Raises NoScorecard where there is none.
    """
    kind = ObjectKind(kind)
    scorecard = scorecard or Scorecard.objects.valid_on(kind, period.first)
    if scorecard is None:
        raise NoScorecard(f"no scorecard of {kind} on {period.first}")
    card = scorecard.card()
    if counts is None:
        counts = figures_by(
            DIMENSION_OF[kind],
            indicators=card.indicators,
            period=period,
            now=now,
            scope=scope,
            until=until,
        )
    objects = {key: (name, name_en) for key, name, name_en in _objects(kind, period, scope, counts)}
    groups = groups_of(kind, period)
    usual = GRADE_2 if kind is ObjectKind.CELL else ""
    scores = _Scores(card, period)
    scored = [
        (key, group, scores.of(counts.get(key, {}), group))
        for key, group in ((key, groups.get(key, usual)) for key in objects)
    ]
    # Zone grades of cells have bands of their own, and one ranking.
    places = ranked(scored, together=kind is ObjectKind.CELL)
    rows = [
        Standing(place.key, *objects[place.key], place, counts.get(place.key, {}))
        for place in places
    ]
    return Standings(scorecard, card, rows)


class _Scores:
    """Scores of a card in a period; of the many cells with the same counts one is computed."""

    def __init__(self, card: Card, period: Period) -> None:
        self.card, self.kind = card, period.kind
        self.measures = measures_of(card.indicators)
        self._known: dict[tuple[Any, ...], Score] = {}

    def of(self, counts: Mapping[str, int], group: str) -> Score:
        """Return the score of an object with these measures."""
        key = (group, *(counts.get(name, 0) for name in self.measures))
        if key not in self._known:
            self._known[key] = score(self.card, counts, kind=self.kind, group=group)
        return self._known[key]


def groups_of(kind: ObjectKind, period: Period) -> dict[int, str]:
    """Return the group of each object that is in one: what its bands and rank are counted by."""
    if kind is ObjectKind.DEPARTMENT:
        return dict(ComparisonMember.objects.values_list("organisation_id", "group__code"))
    if kind is ObjectKind.CELL:
        return dict.fromkeys(_key_cells(period.end - timedelta(days=1)), GRADE_1)
    return {}


def _key_cells(day: date) -> set[int]:
    """Return the cells of key zones: those named, or whose middle a drawn zone covers."""
    zones = Zone.objects.valid_on(day).filter(grade=Zone.Grade.KEY)
    drawn = zones.filter(
        cells__isnull=True,
        geometry__bboverlaps=OuterRef("geometry"),
        geometry__covers=OuterRef("middle"),
    )
    cells = GridCell.objects.annotate(middle=PointOnSurface("geometry"))
    found = cells.filter(Q(zones__in=zones) | Exists(drawn))
    return set(found.order_by().values_list("pk", flat=True))


def _objects(
    kind: ObjectKind, period: Period, scope: Scope, counted: Iterable[Any]
) -> Iterable[tuple[int, str, str]]:
    """Yield key and names of what is ranked: what was there at the period's end or has cases."""
    last = period.end - timedelta(days=1)
    known = [key for key in counted if key is not None]
    if kind in AREAS:
        areas = Area.objects.filter(level=kind.value)
        if parents := _parents(kind, scope):
            areas = areas.filter(parents)
        there = areas.valid_on(last) | areas.filter(pk__in=known)
        return there.order_by("code").values_list("pk", "name", "name_en")
    if kind is ObjectKind.CELL:
        cells = GridCell.objects.filter(_cell_parents(scope)).valid_on(last)
        return ((pk, code, code) for pk, code in cells.order_by("code").values_list("pk", "code"))
    if kind in ROLE_OF:
        people = User.objects.filter(groups__name=ROLE_OF[kind].value)
        people = people.filter(Q(is_active=True) | Q(pk__in=known), _bodies(scope, "organisation"))
        rows = people.order_by("pk").distinct().values_list("pk", "display_name", "username")
        return ((pk, shown or username, shown or username) for pk, shown, username in rows)
    bodies = Organisation.objects.filter(_bodies(scope, "pk"))
    if kind is ObjectKind.CONTRACTOR:
        bodies = bodies.filter(kind=Organisation.Kind.CONTRACTOR)
    else:
        bodies = bodies.filter(kind__in=HANDLERS).filter(
            Q(pk__in=known)
            | Q(
                is_active=True,
                kind__in=(Organisation.Kind.DEPARTMENT, Organisation.Kind.ENTERPRISE),
            )
        )
    return bodies.order_by("path").values_list("pk", "name", "name_en")


def _bodies(scope: Scope, column: str) -> Q:
    keys = scope.keys.get("organisation")
    return Q() if keys is None else Q(**{f"{column}__in": keys})


def _parents(kind: ObjectKind, scope: Scope) -> Q:
    """Narrow areas to those within the scope's, by where they lie today."""
    path = {ObjectKind.DISTRICT: {}, ObjectKind.STREET: {"district": "parent"}}.get(
        kind, {"street": "parent", "district": "parent__parent"}
    )
    wanted = Q()
    for dimension, keys in scope.keys.items():
        column = "pk" if dimension == kind.value else path.get(dimension)
        if column is not None:
            wanted &= Q(**{f"{column}__in": keys})
    return wanted


def _cell_parents(scope: Scope) -> Q:
    columns = {
        "cell": "pk",
        "community": "community",
        "street": "community__parent",
        "district": "community__parent__parent",
    }
    wanted = Q()
    for dimension, keys in scope.keys.items():
        if dimension in columns:
            wanted &= Q(**{f"{columns[dimension]}__in": keys})
    return wanted
