"""What the search box of the header offers: cases, components, places, each a few, in groups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import User
from cases.models import Case
from cases.presenters import badge
from cases.search.reading import MAX_LENGTH, read_query
from cases.search.selectors import CODE_DIGITS, cases_found
from common.templatetags.ui import named
from components.models import Component
from grid.geocoding import selectors as places

MOST_CASES, MOST_COMPONENTS, MOST_PLACES = 6, 3, 3
PLACES_AT_MOST = 40  # letters of a place's name
PLACE_ZOOM = 18


@dataclass(frozen=True, slots=True)
class Offers:
    """What a text may mean, for the list under the search box."""

    text: str
    cases: list[dict[str, Any]]
    components: list[dict[str, Any]]
    places: list[dict[str, Any]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.cases or self.components or self.places)

    @property
    def all_url(self) -> str:
        """Where every case found stands."""
        return f"{reverse('cases:list')}?{urlencode({'q': self.text})}"


def search_offers(*, text: str, user: User, now: datetime) -> Offers:
    """Return what a text may mean to somebody who may see it."""
    text = text.replace("\0", " ")[:MAX_LENGTH].strip()
    query = read_query(text)
    if query.is_empty:
        return Offers(text, [], [], [])
    return Offers(
        text,
        [_case(case) for case in cases_found(text=text, user=user, now=now, limit=MOST_CASES)],
        _components(query.digits, user),
        [] if query.digits else _places(text, now),
    )


def _case(case: Case) -> dict[str, Any]:
    return {
        "url": reverse("cases:detail", args=[case.number]),
        "number": case.number,
        "case": case,
        "badge": badge(case),
    }


def _components(digits: str, user: User) -> list[dict[str, Any]]:
    if len(digits) < CODE_DIGITS:
        return []
    found = Component.objects.visible_to(user).filter(code__startswith=digits)
    rows = found.select_related("type").order_by("code")[:MOST_COMPONENTS]
    return [
        {"url": reverse("components:record", args=[row.code]), "component": row} for row in rows
    ]


def _places(text: str, now: datetime) -> list[dict[str, Any]]:
    found = places.map_search(text[:PLACES_AT_MOST], on=timezone.localdate(now))
    return [
        {
            "url": f"{reverse('desks:map')}?at={row.lon:.5f},{row.lat:.5f},{PLACE_ZOOM}",
            "place": row,
            "name": named(row),
        }
        for row in found[:MOST_PLACES]
    ]
