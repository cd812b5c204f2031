"""What people send with an act: read, checked and turned into objects, one function a field.

Each reader gets the raw value and the situation and returns the object or raises ``invalid`` with a
sentence. Values come from JSON or from forms: numbers may be text. ``TEXT_FIELDS`` hold what people
wrote; they go into the erasable row beside the event, never into the hash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeGuard

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import Organisation, User
from accounts.roles import Role
from cases.desks import works
from cases.errors import invalid
from cases.models import Case, FieldTask, Photo, ReasonCode, SubOrder, SupervisionOrder, Urgency
from cases.models.case import HANDLING_ROLES
from cases.situation import Situation
from cases.time_limits import HORIZON_YEARS, Unit
from common.geo import distance_m
from common.money import NotMoney, fen_of
from common.prepared import Prepared, Slot
from common.rows import one_or_none
from common.text import clean_text, whole_number
from components.models import CaseStandard, CaseType, Component, Profile
from grid.selectors import Location, OutsideCity, locate

MAX_TEXT = 2000
MAX_DESCRIPTION = 5000
MAX_PHOTOS = 9

TEXT_FIELDS = frozenset(
    {"note", "reason", "reply", "text", "description", "address", "phone_confirmation"}
)

Reader = Callable[[str, Any, Situation], Any]


TYPE_OF_CODE = Prepared(
    CaseType.objects.filter(code=Slot("code"), valid_to__isnull=True).order_by()
)


def _choice(values: tuple[str, ...]) -> Reader:
    def read(name: str, raw: Any, situation: Situation) -> str:
        if raw not in values:
            raise invalid(name, _("Choose one of: %(values)s.") % {"values": ", ".join(values)})
        return raw

    return read


def _text(limit: int) -> Reader:
    def read(name: str, raw: Any, situation: Situation) -> str:
        return read_text(name, raw, limit)

    return read


def read_text(name: str, raw: Any, limit: int = MAX_TEXT) -> str:
    """Return text without control characters; refuse what is no text or too long."""
    if not isinstance(raw, str):
        raise invalid(name, _("This must be text."))
    text = clean_text(raw)
    if len(text) > limit:
        raise invalid(
            name, _("This text is too long: at most %(limit)s characters.") % {"limit": limit}
        )
    return text


def is_code(raw: Any, limit: int = 60) -> TypeGuard[str]:
    """Tell whether this can be a code or log-in name at all; the database is asked only then."""
    return isinstance(raw, str) and 0 < len(raw) <= limit and raw.isprintable()


def read_flag(name: str, raw: Any, situation: Situation) -> bool:
    """Return a yes or no."""
    if isinstance(raw, bool):
        return raw
    raise invalid(name, _("This must be true or false."))


def read_type(name: str, raw: Any, situation: Situation | None = None) -> CaseType:
    """Return the type of a code such as C0103."""
    found = None
    if is_code(raw, 5):
        found = next(iter(TYPE_OF_CODE(code=raw.upper())), None)
    if found is None:
        raise invalid(name, _("There is no such type."))
    return found


def read_component(name: str, raw: Any, situation: Situation) -> Component:
    """Return the component of a code, if it stands near the case and is of its type."""
    found = None
    if is_code(raw, 16):
        found = one_or_none(Component.objects.filter(code=raw).select_related("type"))
    if found is None or found.city_id != situation.case.city_id:
        raise invalid(name, _("There is no such component."))
    check_component(name, found, situation)
    return found


def check_component(name: str, component: Component, situation: Situation) -> None:
    """Refuse a component far away from the report or of another type than the case."""
    point = situation.case.point
    location = situation.fields.get("location")
    place = (location.lon, location.lat) if location else (point.x, point.y)
    away = distance_m(place, (component.point.x, component.point.y))
    if away > situation.policy.component_distance_m:
        raise invalid(
            name,
            _("This component stands %(distance)s m away from the place reported.")
            % {"distance": round(away)},
        )
    wanted = situation.type
    if wanted is not None and wanted.pk != component.type_id:
        raise invalid(name, _("This component is of the type %(type)s.") % {"type": component.type})


def read_location(name: str, raw: Any, situation: Situation) -> Location:
    """Return the place of {lon, lat} or a GeoJSON point; refuse a point outside the city."""
    lon, lat = read_point(name, raw)
    try:
        day, city_id = timezone.localdate(situation.now), situation.case.city_id
        return locate(lon, lat, on=day, city_id=city_id)
    except OutsideCity as outside:
        raise invalid(name, outside.message) from outside


def read_point(name: str, raw: Any) -> tuple[float, float]:
    """Return longitude and latitude in degrees."""
    if isinstance(raw, dict) and "coordinates" in raw:
        if raw.get("type") != "Point":
            raise invalid(name, _("The place must be a point."))
        pair = raw["coordinates"]
    elif isinstance(raw, dict):
        pair = (raw.get("lon"), raw.get("lat"))
    else:
        pair = None
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise invalid(name, _("The place must have a longitude and a latitude."))
    try:
        if any(isinstance(part, bool) for part in pair):
            raise ValueError
        lon, lat = float(pair[0]), float(pair[1])
    except (TypeError, ValueError, OverflowError) as error:
        raise invalid(name, _("Longitude and latitude must be numbers.")) from error
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise invalid(name, _("Longitude and latitude are out of range."))
    return lon, lat


def read_standard(name: str, raw: Any, situation: Situation) -> CaseStandard:
    """Return a standard in force that fits the case's type and zone."""
    number = _whole_number(raw)
    day = timezone.localdate(situation.now)
    found = one_or_none(CaseStandard.objects.valid_on(day).filter(pk=number)) if number else None
    if found is None:
        raise invalid(name, _("There is no such standard in force."))
    if situation.type is None or found.type_id != situation.type.pk:
        raise invalid(name, _("This standard is of another type."))
    if found.zone_grade not in ("", situation.case.zone_grade):
        raise invalid(name, _("This standard is for another kind of zone."))
    return found


def read_profile(name: str, raw: Any, situation: Situation) -> str:
    """Return the profile; it must be the standard's."""
    profile = _choice(tuple(Profile.values))(name, raw, situation)
    standard = situation.fields.get("standard") or situation.case.standard
    if standard is not None and standard.profile != profile:
        raise invalid(name, _("The standard chosen has another profile."))
    return profile


def read_collector(name: str, raw: Any, situation: Situation) -> User:
    """Return an active collector of the case's city by log-in name."""
    found = None
    if is_code(raw, 150):
        collectors = User.objects.filter(
            username=raw,
            is_active=True,
            city_id=situation.case.city_id,
            groups__name=Role.COLLECTOR.value,
        )
        found = one_or_none(collectors.select_related("organisation"))
    if found is None:
        raise invalid(name, _("There is no such collector."))
    return found


def _organisation(name: str, raw: Any, situation: Situation) -> Organisation:
    found = _named_bodies(situation).get(raw) if is_code(raw) else None
    if found is None:
        raise invalid(name, _("There is no such organisation."))
    return found


def _named_bodies(situation: Situation) -> dict[str, Organisation]:
    """Return the active organisations of the city whose codes were sent, by code: one query."""
    if situation.named_bodies is None:
        parts = situation.raw.get("cooperating")
        sent = [situation.raw.get(name) for name in ("department", "squad", "desk")]
        if isinstance(parts, list):
            sent += [part.get("organisation") for part in parts if isinstance(part, dict)]
        found = Organisation.objects.filter(
            code__in=[code for code in sent if is_code(code)],
            city_id=situation.case.city_id,
            is_active=True,
        )
        situation.named_bodies = {body.code: body for body in found}
    return situation.named_bodies


HANDLING_KINDS = frozenset(
    {
        Organisation.Kind.DEPARTMENT,
        Organisation.Kind.ENTERPRISE,
        Organisation.Kind.SQUAD,
        Organisation.Kind.STREET,
        Organisation.Kind.COMMUNITY,
    }
)


def read_department(name: str, raw: Any, situation: Situation) -> Organisation:
    """Return an organisation that handles cases."""
    found = _organisation(name, raw, situation)
    if found.kind not in HANDLING_KINDS:
        raise invalid(name, _("This organisation does not handle cases."))
    return found


def read_desk(name: str, raw: Any, situation: Situation) -> Organisation:
    """Return an organisation with a dispatch desk."""
    found = _organisation(name, raw, situation)
    if not works(found):
        raise invalid(name, _("This organisation has no dispatch desk that works."))
    return found


def read_squad(name: str, raw: Any, situation: Situation) -> Organisation:
    """Return a squad that may be sent in the place of the responsible body."""
    found = _organisation(name, raw, situation)
    if found.kind != Organisation.Kind.SQUAD:
        raise invalid(name, _("This organisation is not a squad."))
    return found


def _in_the_case(situation: Situation) -> set[str]:
    """Return the codes of the departments that have a part already: the lead chosen, or all."""
    lead = situation.fields.get("department")
    if situation.raw.get("action") == "add_sub_orders":
        return {order.organisation.code for order in situation.open_orders}
    return {lead.code} if lead is not None else set()


def read_cooperating(
    name: str, raw: Any, situation: Situation
) -> list[tuple[Organisation, bool, str]]:
    """Return the co-operating departments with whether they are mandatory and what they do."""
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        raise invalid(name, _("This must be a list of departments."))
    codes = [item.get("organisation") for item in raw]
    taken = _in_the_case(situation)
    if len(set(map(str, codes))) != len(codes) or taken & set(map(str, codes)):
        raise invalid(name, _("A department can take part in a case only once."))
    named = _named_bodies(situation)
    found = {
        code: named[code]
        for code in codes
        if is_code(code) and code in named and named[code].kind in HANDLING_KINDS
    }
    if len(found) != len(codes):
        raise invalid(name, _("There is no such organisation."))
    return [
        (
            found[item["organisation"]],
            item.get("mandatory", True) is not False,
            read_text(name, item.get("task", "")),
        )
        for item in raw
    ]


@dataclass(frozen=True, slots=True)
class Assignee:
    """Who gets an order inside a department: a squad (any body below), or one person."""

    squad: Organisation | None = None
    person: User | None = None


def read_assignee(name: str, raw: Any, situation: Situation) -> Assignee:
    """Return the squad of ``squad:<code>`` or the person of ``person:<log-in>``.

    Either must lie in the department that has the order and in the organisation of whoever assigns.
    """
    order, actor = situation.order_in_hand, situation.actor
    kind, _colon, value = raw.partition(":") if isinstance(raw, str) else ("", "", "")
    if order is None or actor is None or actor.organisation is None or not is_code(value, 150):
        raise invalid(name, _("There is nobody of this name to assign it to."))
    own = actor.organisation if order.organisation.contains(actor.organisation) else None
    if own is not None and kind == "squad":
        squad = one_or_none(squads_inside(own).filter(code=value))
        if squad is not None:
            return Assignee(squad=squad)
    if own is not None and kind == "person":
        person = one_or_none(people_inside(own).filter(username=value))
        if person is not None:
            return Assignee(person=person)
    raise invalid(name, _("There is nobody of this name to assign it to."))


def squads_inside(body: Organisation) -> QuerySet[Organisation]:
    """Return the active bodies below one: whom it may give an order to."""
    below = Organisation.objects.filter(path__startswith=body.path, is_active=True)
    return below.exclude(pk=body.pk)


def people_inside(body: Organisation) -> QuerySet[User]:
    """Return the people of a body and those below it who may handle a case."""
    roles = [role.value for role in HANDLING_ROLES]
    return User.objects.filter(
        pk__in=User.groups.through.objects.filter(group__name__in=roles).values("user"),
        organisation__path__startswith=body.path,
        organisation__is_active=True,
        is_active=True,
    ).select_related("organisation")


def read_sub_order(name: str, raw: Any, situation: Situation) -> SubOrder:
    """Return the co-operating order, still to be done, of the department with this code."""
    found = next((part for part in situation.open_parts if part.organisation.code == raw), None)
    if found is None:
        raise invalid(name, _("This department has no part under way in this case."))
    if situation.raw.get("action") == "keep_sub_order" and found.declined_at is None:
        raise invalid(name, _("This department has not declined its part."))
    return found


def read_photos(name: str, raw: Any, situation: Situation) -> list[Photo]:
    """Return the actor's own unused photos; refuse those taken elsewhere."""
    photos = own_photos(name, raw, situation.actor)
    point = situation.case.point
    for photo in photos:
        if photo.taken_point is None:
            continue
        away = distance_m((point.x, point.y), (photo.taken_point.x, photo.taken_point.y))
        if away > situation.policy.photo_distance_m:
            raise invalid(
                name,
                _("This photo was taken %(distance)s m away from the case.")
                % {"distance": round(away)},
            )
    return photos


def own_photos(name: str, raw: Any, owner: User | None) -> list[Photo]:
    """Return the photos with these ids; they must be the owner's own and not used yet."""
    if not isinstance(raw, list | tuple) or not all(_whole_number(item) for item in raw):
        raise invalid(name, _("This must be a list of photos."))
    numbers = [number for item in raw if (number := _whole_number(item)) is not None]
    if len(numbers) > MAX_PHOTOS:
        raise invalid(
            name,
            ngettext("At most %(count)s photo.", "At most %(count)s photos.", MAX_PHOTOS)
            % {"count": MAX_PHOTOS},
        )
    if not numbers:
        return []
    photos = Photo.objects.filter(pk__in=numbers, owner=owner, uses__isnull=True)
    found = {photo.pk: photo for photo in photos}
    if set(numbers) != set(found):
        raise invalid(name, _("A photo is not yours, was used already, or does not exist."))
    return [found[number] for number in dict.fromkeys(numbers)]


def read_closing_answers(name: str, raw: Any, situation: Situation) -> list[dict[str, Any]]:
    """Return one answer for each closing condition stored with the case; all must be met."""
    conditions = situation.case.closing_conditions
    if not isinstance(raw, list) or len(raw) != len(conditions):
        raise invalid(
            name,
            ngettext(
                "Answer the %(count)s closing condition.",
                "Answer each of the %(count)s closing conditions.",
                len(conditions),
            )
            % {"count": len(conditions)},
        )
    answers = []
    for item in raw:
        if not isinstance(item, dict) or not isinstance(item.get("met"), bool):
            raise invalid(name, _("Say of each closing condition whether it is met."))
        if not item["met"]:
            raise invalid(name, _("Every closing condition must be met before completion."))
        answers.append({"met": True, "remark": read_text(name, item.get("remark", ""), 500)})
    return answers


def read_outcome(name: str, raw: Any, situation: Situation) -> str:
    """Return what the collector found before filing."""
    return _choice(tuple(value.value for value in FieldTask.FOUND))(name, raw, situation)


def read_reason_code(name: str, raw: Any, situation: Situation) -> str:
    """Return a reason of the city's list for this action."""
    action = situation.raw.get("action", "")
    known = is_code(raw) and ReasonCode.objects.filter(action=action, code=raw, is_active=True)
    if not known or not known.exists():
        raise invalid(name, _("There is no such reason."))
    return raw


def read_extension_value(name: str, raw: Any, situation: Situation) -> Decimal:
    """Return how much time is asked for."""
    try:
        value = Decimal(str(raw))
        value = value.quantize(Decimal("0.01")) if abs(value) <= 100_000 else Decimal(0)
    except InvalidOperation as error:
        raise invalid(name, _("This must be a number above 0.")) from error
    if not value > 0:
        raise invalid(name, _("This must be a number above 0."))
    return value


def read_amount(name: str, raw: Any, situation: Situation) -> int:
    """Return an amount in fen, above zero."""
    try:
        amount = fen_of(raw)
    except NotMoney as error:
        raise invalid(name, error.sentence) from error
    if not amount:
        raise invalid(name, _("An amount must be above zero."))
    return amount


def read_future(name: str, raw: Any, situation: Situation) -> datetime:
    """Return a moment that lies ahead; a date means the start of that day."""
    try:
        value = parse_datetime(raw) if isinstance(raw, str) else None
        if value is None and isinstance(raw, str):
            day = parse_date(raw)
            value = datetime.combine(day, time.min) if day else None
    except ValueError:
        value = None
    if value is None:
        raise invalid(name, _("This must be a date or a moment."))
    moment = value if timezone.is_aware(value) else timezone.make_aware(value)
    if not situation.now < moment < situation.now + timedelta(days=366 * HORIZON_YEARS):
        raise invalid(name, _("This must lie in the future."))
    return moment


def read_request(name: str, raw: Any, situation: Situation) -> int:
    """Return the number of the request; that it is open was the guard's to say."""
    number = _whole_number(raw)
    if number is None:
        raise invalid(name, _("This must be the number of a request."))
    return number


def _row_number(name: str, raw: Any, situation: Situation) -> int:
    """Return the id of a row that the service which walks an inner arrow has written."""
    number = _whole_number(raw)
    if number is None:
        raise invalid(name, _("This must be a number."))
    return number


def read_master(name: str, raw: Any, situation: Situation) -> Case:
    """Return the open case of the same place into which this one is merged."""
    case = situation.case
    master = situation.master
    if master is None or master.pk == case.pk or master.city_id != case.city_id:
        raise invalid(name, _("There is no such case to merge into."))
    if not master.is_open:
        raise invalid(name, _("The case to merge into is no longer open."))
    away = distance_m((case.point.x, case.point.y), (master.point.x, master.point.y))
    if away > situation.policy.merge_distance_m:
        raise invalid(
            name,
            _("That case lies %(distance)s m away: not the same place.")
            % {"distance": round(away)},
        )
    return master


def _whole_number(raw: Any) -> int | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, str):
        raw = whole_number(raw)
    return raw if isinstance(raw, int) and 0 < raw < 2**62 else None


# In this order: a later reader may look at what an earlier one returned.
READERS: dict[str, Reader] = {
    "type": read_type,
    "location": read_location,
    "component": read_component,
    "address": _text(200),
    "description": _text(MAX_DESCRIPTION),
    "urgency": _choice(tuple(Urgency.values)),
    "direct_filing": read_flag,
    "standard": read_standard,
    "profile": read_profile,
    "department": read_department,
    "squad": read_squad,
    "cooperating": read_cooperating,
    "sub_order": read_sub_order,
    "assignee": read_assignee,
    "desk": read_desk,
    "collector": read_collector,
    "photos": read_photos,
    "outcome": read_outcome,
    "closing_answers": read_closing_answers,
    "reason_code": read_reason_code,
    "reason": _text(MAX_TEXT),
    "note": _text(MAX_TEXT),
    "reply": _text(MAX_TEXT),
    "text": _text(MAX_TEXT),
    "phone_confirmation": _text(200),
    "estimate": read_amount,
    "extension_value": read_extension_value,
    "extension_unit": _choice(tuple(unit.value for unit in Unit)),
    "review_at": read_future,
    "expected_at": read_future,
    "reply_due": read_future,
    "request": read_request,
    "link": _row_number,
    "answer": _choice(("done", "cannot")),
    "switch": _row_number,
    "order": _text(24),
    "rating": _choice(tuple(SupervisionOrder.Rating.values)),
    "master": read_master,
}


def read_fields(situation: Situation, names: tuple[str, ...]) -> None:
    """Read the fields an arrow knows from ``situation.raw`` into ``situation.fields``.

    Empty values count as not sent; fields the arrow does not know are ignored.
    """
    wanted = set(names)
    for name, reader in READERS.items():
        raw = situation.raw.get(name)
        if (
            name not in wanted
            or raw is None
            or raw == ""
            or (raw == [] and name != "closing_answers")
        ):
            continue
        value = reader(name, raw, situation)
        if value != "":
            situation.fields[name] = value
