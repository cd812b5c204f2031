"""What the pages of exceptions share: who opens them, and the filters that stand in an address."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import Organisation, User
from accounts.roles import Role
from cases.exceptions.ledger import Month
from cases.fields import HANDLING_KINDS
from common.templatetags.ui import named

PAGE_SIZE = 50
SUPERVISE = (Role.SHIFT_SUPERVISOR, Role.LEADER)
LOOK_ON = (*SUPERVISE, Role.INSPECTOR)
EVERY_DESK = (*LOOK_ON, Role.DISPATCHER, Role.DEPARTMENT_HEAD, Role.DEPARTMENT_CLERK)


def department_choices(user: User) -> list[tuple[str, str]]:
    """Return the bodies that handle cases: code and name."""
    bodies = Organisation.objects.filter(
        city=user.city_id, is_active=True, kind__in=HANDLING_KINDS
    ).order_by("path")
    return [(body.code, named(body)) for body in bodies]


def months_back(now: datetime, count: int = 24) -> list[tuple[str, str]]:
    """Return the names of the present month and those before it."""
    month, names = Month.of(timezone.localdate(now)), []
    for _each in range(count):
        names.append((month.name, month.name))
        month = month.before
    return names


def query_of(request: HttpRequest, **changes: str) -> str:
    """Return the filters of the address with some replaced, without empty ones and the page."""
    query = {**request.GET.dict(), "cursor": "", "format": "", **changes}
    return urlencode({name: value for name, value in query.items() if value})
