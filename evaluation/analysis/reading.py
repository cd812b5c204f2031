"""Reading what an address of the analysis asks for; nonsense is refused in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from common.errors import DomainError
from common.templatetags.ui import named
from common.text import whole_number
from evaluation.models import ObjectKind
from evaluation.pages.choice import district_of, within_read
from evaluation.periods import Period
from evaluation.selectors.scope import EVERYWHERE, Scope
from evaluation.sight import Sight, sight_of
from grid.models import Area

EARLIEST = date(2000, 1, 1)


def invalid(field: str, message: Any) -> DomainError:
    """Return the refusal of one field."""
    return DomainError("invalid", message, {field: [message]})


def hidden(message: Any) -> DomainError:
    """Return the refusal of what is not there, or not for this reader: the same."""
    return DomainError("not_found", message, status=404)


def sight_read(user: User, now: datetime) -> Sight:
    """Return what the reader sees of evaluation; 404 where that is nothing."""
    sight = sight_of(user, timezone.localdate(now))
    if sight is None:
        raise Http404
    return sight


def number_read(data: Mapping[str, str], name: str, *, usual: int, least: int, most: int) -> int:
    """Return a whole number within bounds, the usual one where none is given."""
    text = data.get(name, "").strip()
    if not text:
        return usual
    number = whole_number(text)
    if number is None or not least <= number <= most:
        message = _("A whole number from %(least)s to %(most)s is needed here.")
        raise invalid(name, message % {"least": least, "most": most})
    return number


def amount_read(data: Mapping[str, str], name: str, *, most: int) -> Decimal | None:
    """Return an amount above 0 with two decimals at most; None where none is given."""
    text = data.get(name, "").strip()
    if not text:
        return None
    try:
        amount = Decimal(text) if text.isascii() and len(text) < 12 else Decimal(-1)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 < amount <= most or amount != round(amount, 2):
        message = _("A number above 0, at most %(most)s, with two decimals at most is needed here.")
        raise invalid(name, message % {"most": most})
    return amount


def day_read(data: Mapping[str, str], name: str, today: date) -> date:
    """Return a day that is not in the future, today where none is given."""
    text = data.get(name, "").strip()
    if not text:
        return today
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or not EARLIEST <= day <= today:
        raise invalid(name, _("A day is needed here, written 2026-03-16, not after today."))
    return day


def key_read(data: Mapping[str, str], name: str) -> int | None:
    """Return the key of an object; None where none is given, 404 for what cannot be one."""
    text = data.get(name, "").strip()
    if not text:
        return None
    if (key := whole_number(text)) is None:
        raise hidden(_("There is no such object here."))
    return key


@dataclass(frozen=True, slots=True)
class Ground:
    """The part of the city that is looked at, and what else there is to choose."""

    within: Area | None
    areas: tuple[Area, ...]
    scope: Scope
    departments: frozenset[int] | None = None  # only cases these bodies had last


def ground_read(code: str, sight: Sight, period: Period) -> Ground:
    """Return the part of the city an address names, as far as its reader sees the cases there.

    Who sees all: any part of the city. A district's desk: its districts. A department: its own
    cases anywhere. Raises DomainError 404 for what is not there or not theirs.
    """
    within, areas = within_read(code, ObjectKind.COMMUNITY, period)
    if code and within is None:
        raise hidden(_("There is no such part of the city."))
    scope = EVERYWHERE if within is None else EVERYWHERE.narrowed(within.level, within.pk)
    if sight.opens_all:
        return Ground(within, areas, scope)
    if ObjectKind.STREET in sight.kinds:
        if not sight.districts or (within and district_of(within) not in sight.districts):
            raise hidden(_("There is no such part of the city."))
        own = tuple(area for area in areas if district_of(area) in sight.districts)
        return Ground(
            within, own, scope if within else Scope({"district": sorted(sight.districts)})
        )
    if ObjectKind.DEPARTMENT not in sight.kinds:
        raise hidden(_("Nothing of this is yours to see."))
    return Ground(within, areas, scope, sight.bodies)


def ground_options(ground: Ground) -> list[tuple[str, str, bool]]:
    """Return the parts of the city one may choose: districts, and the streets of the chosen one."""
    own = district_of(ground.within)
    rows = [
        area for area in ground.areas if area.level == Area.Level.DISTRICT or area.parent_id == own
    ]
    if ground.within is not None and ground.within not in rows:
        rows.append(ground.within)
    rows.sort(key=lambda area: area.code)
    return [("", str(_("Whole city")), ground.within is None)] + [
        (
            area.code,
            named(area) if area.level == Area.Level.DISTRICT else f"\u3000{named(area)}",
            area == ground.within,
        )
        for area in rows
    ]
