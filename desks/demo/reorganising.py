"""Open cases for the city of 2020, and what must be true once it has been reorganised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.gis.geos import Point

from accounts.models import City, User
from accounts.roles import Role
from cases.models import Case
from cases.services import case_report
from components.models import Component
from grid.models import Area, CellSuccession, GridCell, Reorganisation
from grid.selectors import OutsideCity, Standing, area_by_code, locate


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must be true."""

    name: str
    is_true: bool
    detail: object = ""


def report_cases(city: City, count: int, now: datetime) -> None:
    """Report cases where components stand, through the door."""
    collectors = list(
        User.objects.with_roles().filter(city=city, groups__name=Role.COLLECTOR).order_by("pk")[:50]
    )
    total = Component.objects.count()
    step = max(total // count, 1)
    places = Component.objects.order_by("cell_id", "pk").values_list("point", flat=True)[::step]
    for number, point in enumerate(list(places)[:count]):
        case_report(
            actor=collectors[number % len(collectors)],
            source="collector",
            lon=point.x,
            lat=point.y,
            now=now,
            type_code="E0102",
            description="路边有一堆垃圾",
        )


def checks_after(plan: Reorganisation) -> Iterator[Check]:
    """Check what an applied plan promises."""
    day = plan.effective_date
    before = day - timedelta(days=1)
    yield from _codes(plan)
    cells = GridCell.objects.filter(valid_to=None).select_related("community__parent__parent")
    wrong = [c.code for c in cells if not c.code.startswith(c.community.code)]
    yield Check("every cell bears its community's code", not wrong, wrong[:3])
    strays = Component.objects.exclude(cell__valid_to=None).count()
    yield Check("no component stands in a closed cell", strays == 0, strays)
    moved = CellSuccession.objects.filter(reorganisation=plan).values("opened_id")
    standing = Component.objects.filter(cell__in=moved)
    told = standing.filter(events__pgh_context__metadata__reason__startswith="reorganisation")
    yield Check(
        "the register's history tells every component that followed",
        told.distinct().count() == standing.count(),
        f"{standing.count():,}",
    )
    yield from _places(before, day)
    yield from _scopes()


def _codes(plan: Reorganisation) -> Iterator[Check]:
    answers = {
        line.old_code: area_by_code(line.old_code).standing
        for line in plan.lines.exclude(old_code="")
    }
    counts = {standing: list(answers.values()).count(standing) for standing in Standing}
    said = ", ".join(f"{count} {standing}" for standing, count in counts.items())
    yield Check("every old code resolves", len(answers) > 0, f"{len(answers):,}: {said}")
    open_lines = [line for line in plan.lines.all() if line.old_code and line.is_open]
    yield Check(
        "exactly the open ones say that their successor is to be decided",
        counts[Standing.TO_BE_DECIDED] == len(open_lines),
        len(open_lines),
    )


def _places(before: date, day: date) -> Iterator[Check]:
    """A case's place answers on past days as when it was filed, today with today's codes."""
    then = now = 0
    cases = Case.objects.order_by("pk")
    for case in cases:
        point: Point = case.point
        then += locate(point.x, point.y, on=before).cell_code == case.cell_code
        try:
            here = locate(point.x, point.y, on=day)
        except OutsideCity:
            continue
        area = Area.objects.select_related("parent__parent").get(pk=here.community.id)
        now += (here.street.code, here.district.code) == (area.parent.code, area.parent.parent.code)  # type: ignore[union-attr]
    total = len(cases)
    yield Check("places answer as before on past days", then == total, f"{then} of {total}")
    yield Check("places answer with today's codes today", now == total, f"{now} of {total}")


def _scopes() -> Iterator[Check]:
    """The desks of today's districts see the open cases of districts that are no more."""
    for district in Area.objects.filter(level=Area.Level.DISTRICT, valid_to=None).order_by("code"):
        desks = User.objects.with_roles().filter(
            groups__name=Role.DISPATCHER,
            organisation__kind="district",
            organisation__jurisdictions__area=district,
        )
        desk = desks.order_by("pk").first()
        if desk is None:
            continue
        mine = Case.objects.filter(street__parent=district)
        seen = Case.objects.visible_to(desk).filter(pk__in=mine)
        yield Check(
            f"the desk of {district.name} sees its cases",
            seen.count() == mine.count(),
            f"{mine.count()}, of them {mine.exclude(district=district).count()} filed elsewhere",
        )
