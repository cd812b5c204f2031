"""Where the QR of a plate leads: whoever may report gets the report page with everything filled.

Everybody else, logged in or not, gets a page that says what this is, whether somebody reported it
already, and what to do. It names no person and no organisation. Unknown codes are counted: who asks
for many has to wait, and learns nothing meanwhile.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.roles import Role
from cases.selectors import open_case_of
from common import clock
from common.errors import DomainError
from common.throttle import Throttle, TooManyAttempts
from components.models import Component, Plate
from components.plates.codes import PlateMistyped
from components.plates.selectors import NoSuchPlate, component_now, plate_get
from grid.geocoding.words import place_in_words

GUESSES = Throttle("plates", limit=30, seconds=600)  # unknown codes of one visitor
TYPED_LENGTH = 40
REPORT_PAGES = {Role.COLLECTOR: "cases:report", Role.ACCEPTOR: "cases:call"}


@login_not_required
@never_cache
@require_safe
def plate_entry(request: HttpRequest) -> HttpResponse:
    """Ask for the code of a plate that cannot be scanned, and go where it leads."""
    typed = request.GET.get("code", "").strip()
    if typed:
        return answer(request, typed)
    return page(request, {})


@login_not_required
@never_cache
@require_safe
def plate(request: HttpRequest, code: str) -> HttpResponse:
    """Go where a scanned plate leads."""
    return answer(request, code)


def answer(request: HttpRequest, typed: str) -> HttpResponse:
    """Answer a code: the report page, what the plate says, or why it is none."""
    try:
        found = plate_sought(request, typed)
    except (PlateMistyped, NoSuchPlate, TooManyAttempts) as refused:
        return page(request, {"error": refused, "typed": typed[:TYPED_LENGTH]}, refused)
    component = component_now(found)
    is_good = found.is_active and component == found.component
    address = report_address(request.user, component) if component else ""
    if address and is_good:
        return redirect(address)
    return page(request, plate_words(found, component) | {"report_address": address})


def plate_sought(request: HttpRequest, typed: str) -> Plate:
    """Return the plate of a code; count codes nobody was given, and refuse who asks for many."""
    at, visitor = timezone.now(), visitor_of(request)
    GUESSES.check(visitor, at)
    try:
        return plate_get(typed)
    except NoSuchPlate:
        GUESSES.count(visitor, at)
        raise


def visitor_of(request: HttpRequest) -> str:
    """Return who is counted: the person who is logged in, else the address they come from."""
    if request.user.is_authenticated:
        return f"user {request.user.pk}"
    return f"address {request.META.get('REMOTE_ADDR', '')}"


def report_address(user: User, component: Component) -> str:
    """Return the report page of somebody's role with the component filled in; "" without one."""
    roles = user.roles if user.is_authenticated else frozenset()
    name = next((name for role, name in REPORT_PAGES.items() if role in roles), None)
    return f"{reverse(name)}?{urlencode({'component': component.code})}" if name else ""


def plate_words(found: Plate, component: Component | None) -> dict[str, Any]:
    """Return what the page says of a plate: only what anybody who stands there can see."""
    case = open_case_of(component) if component else None
    return {
        "plate": found,
        "component": component,
        "is_another": component is not None and component != found.component,
        "place": place_of(component) if component else "",
        "reported_at": case.reported_at if case else None,
    }


def place_of(component: Component) -> str:
    """Return where a component stands, in words."""
    if component.address:
        return component.address
    today = timezone.localdate(clock.now())
    words = place_in_words(component.point.x, component.point.y, on=today)
    return words.text if words else ""


def page(
    request: HttpRequest, context: dict[str, Any], refused: DomainError | None = None
) -> HttpResponse:
    """Show the page for everybody."""
    context |= {"hotline": settings.HOTLINE}
    status = refused.status if refused else 200
    return render(request, "cases/plate.html", context, status=status)
