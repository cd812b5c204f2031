"""The hotline's entry: the caller's number first, then what and where, with what is known."""

from __future__ import annotations

from typing import Any

from django.contrib.gis.geos import Point
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import for_roles
from accounts.roles import Role
from cases.acceptor.callers import caller_of
from cases.acceptor.duplicates import duplicates_of
from cases.models import Case
from cases.presenters import case_row
from cases.views.tasks import report_page
from common import clock
from components.models import CaseType
from grid.models import SRID


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.ACCEPTOR)
def call(request: HttpRequest) -> HttpResponse:
    """Take a call of the hotline."""
    return report_page(request, "cases/call.html", reverse("cases:acceptance"))


@require_safe
@for_roles(Role.ACCEPTOR)
def call_caller(request: HttpRequest) -> HttpResponse:
    """Say who called from a number before and what became of it, as a fragment."""
    now = clock.now()
    caller = caller_of(phone=request.GET.get("reporter_phone", "")[:30], user=request.user)
    context: dict[str, Any] = {
        "now": now,
        "caller": caller,
        "rows": [case_row(case, now) for case in caller.cases] if caller else [],
    }
    return render(request, "cases/_caller.html", context)


@require_safe
@for_roles(Role.ACCEPTOR)
def call_near(request: HttpRequest) -> HttpResponse:
    """Say whether what is being told may have been reported already, as a fragment."""
    now = clock.now()
    place = _place(request)
    rows: list[dict[str, Any]] = []
    if place is not None and request.user.city_id is not None:
        code = request.GET.get("type", "").replace("\0", "")
        types = CaseType.objects.valid_on(timezone.localdate(now)).select_related("type_class")
        told = Case(city_id=request.user.city_id, point=place)
        found = duplicates_of(
            told, user=request.user, now=now, case_type=types.filter(code=code).first()
        )
        rows = [case_row(case, now) for case in found]
    return render(request, "cases/_told_already.html", {"now": now, "rows": rows})


def _place(request: HttpRequest) -> Point | None:
    try:
        lon, lat = (float(request.GET.get(name, "")) for name in ("longitude", "latitude"))
    except ValueError:
        return None
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):  # also refuses what is no number
        return None
    return Point(lon, lat, srid=SRID)
