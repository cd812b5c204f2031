"""The page of hot spots, and the cases of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.models import User
from cases.models import Case
from common import clock
from common.templatetags.ui import named
from components.models import CaseType, TypeClass
from evaluation.analysis.hotspots import (
    CASES,
    DAYS,
    METRES,
    MOST_CASES,
    MOST_SPOTS,
    USUAL_CASES,
    USUAL_DAYS,
    USUAL_METRES,
    Search,
    Spot,
    TooManyCases,
    hot_spot,
    hot_spots,
)
from evaluation.analysis.reading import (
    Ground,
    day_read,
    ground_options,
    ground_read,
    hidden,
    invalid,
    key_read,
    number_read,
    sight_read,
)
from evaluation.models import Fact
from evaluation.pages.views.ranking import case_rows
from evaluation.pages.words import count_text
from evaluation.periods import DAY, Period
from evaluation.sight import READERS
from grid.models import Area

PAGE = 100
LIGHTS = ("green", "amber", "red")  # all closed, some open, some open and late


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for, and how to write it again."""

    search: Search
    ground: Ground
    last: date
    days: int
    type_class: TypeClass | None

    def query(self, **more: Any) -> str:
        """Return the address's query."""
        search = self.search
        parts = {
            "day": self.last.isoformat(),
            "days": self.days,
            "metres": search.metres,
            "cases": search.case_count,
            "by": "class" if search.by_class else None,
            "of": search.class_id,
            "within": self.ground.within.code if self.ground.within else None,
            **more,
        }
        return "?" + urlencode({key: value for key, value in parts.items() if value is not None})


def _read(request: HttpRequest, now: datetime) -> Asked:
    data = request.GET
    last = day_read(data, "day", timezone.localdate(now))
    days = number_read(data, "days", usual=USUAL_DAYS, least=DAYS[0], most=DAYS[1])
    period = Period(last - (days - 1) * DAY, last + DAY)
    ground = ground_read(data.get("within", ""), sight_read(request.user, now), period)
    if data.get("by", "") not in ("", "type", "class"):
        raise invalid("by", _("Hot spots are of one type, or of one class."))
    of = key_read(data, "of")
    found = TypeClass.objects.filter(pk=of).first() if of is not None else None
    if of is not None and found is None:
        raise hidden(_("There is no such class of types."))
    search = Search(
        period,
        number_read(data, "metres", usual=USUAL_METRES, least=METRES[0], most=METRES[1]),
        number_read(data, "cases", usual=USUAL_CASES, least=CASES[0], most=CASES[1]),
        data.get("by") == "class",
        of,
        ground.scope,
        ground.departments,
    )
    return Asked(search, ground, last, days, found)


@require_safe
@for_roles(*READERS)
def spots(request: HttpRequest) -> HttpResponse:
    """Show the places where cases keep coming back, in order and on the map."""
    now = clock.now()
    asked = _read(request, now)
    error = None
    try:
        found = hot_spots(asked.search, now=now)
    except TooManyCases:
        found = []
        error = {
            "message": _("More than %(count)s cases were filed there in these days.")
            % {"count": count_text(MOST_CASES)},
            "kept": _("Choose fewer days, or a part of the city."),
        }
    rows = _rows(request.user, asked, found[:MOST_SPOTS])
    context = {
        "asked": asked,
        "search": asked.search,
        "limits": {"metres": METRES, "days": DAYS, "cases": CASES},
        "areas": ground_options(asked.ground),
        "classes": TypeClass.objects.all(),
        "today": timezone.localdate(now),
        "rows": rows,
        "has_more": len(found) > MOST_SPOTS,
        "points": [row["point"] for row in rows],
        "error": error,
        "now": now,
    }
    return render(request, "evaluation/analysis/hot_spots.html", context)


def _rows(user: User, asked: Asked, found: list[Spot]) -> list[dict[str, Any]]:
    """Return rows for the table; addresses only of cases that the reader may open."""
    model = TypeClass if asked.search.by_class else CaseType
    kinds = model._default_manager.in_bulk({spot.kind_id for spot in found})
    streets = Area.objects.defer("geometry").in_bulk({spot.street_id for spot in found})
    newest = Case.objects.visible_to(user, from_case=True).filter(
        pk__in=[spot.last_case for spot in found]
    )
    addresses = dict(newest.values_list("pk", "address"))
    top = max((spot.case_count for spot in found), default=1)
    return [
        _row(asked, spot, kinds[spot.kind_id], streets[spot.street_id], addresses, top)
        for spot in found
    ]


def _row(
    asked: Asked, spot: Spot, kind: Any, street: Area, addresses: dict[int, str], top: int
) -> dict[str, Any]:
    url = reverse("evaluation:hot-spot") + asked.query(spot=spot.first_case)
    place = addresses.get(spot.last_case, "")
    label = f"{named(kind)} · {spot.case_count} · {place or named(street)}"
    light = LIGHTS[bool(spot.open_count) + bool(spot.late_count)]
    return {
        "spot": spot,
        "kind": kind,
        "street": street,
        "address": place,
        "url": url,
        "share": round(100 * spot.case_count / top),
        "span_days": (timezone.localdate(spot.last_at) - timezone.localdate(spot.first_at)).days,
        "point": {
            "lon": round(spot.lon, 6),
            "lat": round(spot.lat, 6),
            "light": light,
            "label": label,
            "url": url,
        },
    }


@require_safe
@for_roles(*READERS)
def spot_cases(request: HttpRequest) -> HttpResponse:
    """Show the cases of one hot spot: exactly as many as it says."""
    now = clock.now()
    asked = _read(request, now)
    first = key_read(request.GET, "spot")
    try:
        found = hot_spot(asked.search, first, now=now) if first is not None else None
    except TooManyCases:
        found = None
    if found is None:
        raise hidden(_("There is no such hot spot, or not any more."))
    most = -(-found.case_count // PAGE)
    page = number_read(request.GET, "page", usual=1, least=1, most=most)
    facts = Fact.objects.filter(pk__in=found.facts).order_by("-id")
    facts = facts.select_related("case__type", "organisation", "person")
    listed = list(facts[(page - 1) * PAGE : page * PAGE])
    model = TypeClass if asked.search.by_class else CaseType
    kind = model._default_manager.get(pk=found.kind_id)
    context = {
        "title": _("Hot spot"),
        "object": kind,
        "period_text": f"{asked.search.period.first:%Y-%m-%d} – {asked.last:%m-%d}",
        "count": found.case_count,
        "rows": case_rows(request, listed, now),
        "pager": {
            "previous": asked.query(spot=first, page=page - 1) if page > 1 else "",
            "next": asked.query(spot=first, page=page + 1) if page < most else "",
        },
        "back": reverse("evaluation:hot-spots") + asked.query(),
        "now": now,
    }
    return render(request, "evaluation/cases.html", context)
