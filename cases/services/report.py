"""Intake: how a case begins, from whatever source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from cases.desks import city_desk
from cases.errors import invalid, missing_field, role_refused
from cases.fields import (
    MAX_DESCRIPTION,
    check_component,
    is_code,
    own_photos,
    read_text,
    read_type,
)
from cases.intake import SOURCE_ROLES
from cases.models import Case, CaseEvent, CasePerson, CasePhoto, Photo, Source, Urgency
from cases.parts import no_parts_yet, parts_of
from cases.services.clocks import ClockBook
from cases.services.history import event_append, event_chain
from cases.services.numbers import next_number
from cases.services.photos import photos_link
from cases.services.place import place_case
from cases.situation import Situation
from cases.workflow import ARROWS, State
from common.rows import one_or_none
from components.models import Component
from grid.geocoding.words import place_in_words
from grid.selectors import OutsideCity, locate

MAX_ADDRESS = 200
REPORT = next(arrow for arrow in ARROWS if arrow.action == "report")


def case_report(
    *,
    actor: User,
    source: str,
    lon: float,
    lat: float,
    now: datetime,
    type_code: str | None = None,
    description: str = "",
    address: str = "",
    component_code: str | None = None,
    urgency: str = Urgency.NORMAL,
    reporter_name: str = "",
    reporter_phone: str = "",
    photo_ids: Sequence[int] = (),
    is_self_handled: bool = False,
    idempotency_key: str = "",
) -> Case:
    """Take a report in: locate it, give it a number, start its clocks. Returns the new case.

    ``lon`` and ``lat`` are degrees in WGS-84. A type or a description is needed. The number is
    taken last, so that reports wait for each other only while they are written.

    Raises:
        ActionRefused: role_refused 403 for a source that is not the actor's, missing_field or
            invalid 400 for anything that cannot be used.
    """
    if source not in Source.values:
        raise invalid("source", _("There is no such source."))
    if not SOURCE_ROLES[Source(source)] & actor.roles or actor.city_id is None:
        raise role_refused(_("Your role may not report from this source."))
    if not actor.stands_in_at(now):
        raise role_refused(_("The duty you stood in for has ended."))
    if urgency not in Urgency.values:
        raise invalid("urgency", _("There is no such urgency."))
    words = read_text("description", description, MAX_DESCRIPTION)
    if not type_code and not words:
        raise missing_field("type", "description")
    try:
        location = locate(lon, lat, on=timezone.localdate(now), city_id=actor.city_id)
    except OutsideCity as outside:
        raise invalid("location", outside.message) from outside
    with transaction.atomic(savepoint=False):
        case = Case(
            city_id=actor.city_id,
            state=State.REPORTED.value,
            source=source,
            reporter=actor,
            reported_at=now,
            description=words,
            urgency=urgency,
            is_self_handled=is_self_handled,
            address=read_text("address", address, MAX_ADDRESS) or _in_words(lon, lat, now),
        )
        no_parts_yet(case)
        place_case(case, location)
        case.desk = city_desk(actor.city_id)
        case.type = read_type("type", type_code) if type_code else None
        _take_component(case, actor, component_code, now)
        photos = own_photos("photos", list(photo_ids), actor)
        person = _person(reporter_name, reporter_phone)
        clocks = ClockBook(Situation(case, actor, now))
        clocks.apply(REPORT.clocks)
        clocks.show_on_case()
        return _write(case, clocks, photos, person, idempotency_key)


def _in_words(lon: float, lat: float, now: datetime) -> str:
    """Word the address of a place whose reporter gave none."""
    words = place_in_words(lon, lat, on=timezone.localdate(now))
    return words.text[:MAX_ADDRESS] if words else ""


def _take_component(case: Case, actor: User, code: str | None, now: datetime) -> None:
    """A component brings its type if none was sent; it must stand near the place."""
    if not code:
        return
    component = None
    if is_code(code, 16):
        here = Component.objects.filter(code=code, city_id=case.city_id)
        component = one_or_none(here.select_related("type"))
    if component is None:
        raise invalid("component", _("There is no such component."))
    check_component("component", component, Situation(case, actor, now))
    case.component = component
    case.type = case.type or component.type


def _person(name: str, phone: str) -> CasePerson | None:
    name, phone = read_text("reporter", name, 60), read_text("reporter", phone, 30)
    return CasePerson(name=name, phone=phone) if name or phone else None


def _write(
    case: Case,
    clocks: ClockBook,
    photos: list[Photo],
    person: CasePerson | None,
    idempotency_key: str,
) -> Case:
    now, actor = case.reported_at, case.reporter
    text = {name: getattr(case, name) for name in ("description", "address") if getattr(case, name)}
    data: dict[str, Any] = {
        "source": case.source,
        "type": case.type.code if case.type else None,
        "component": case.component.code if case.component else None,
        "cell": case.cell_code,
        "community": case.community_code,
        "point": [round(case.point.x, 7), round(case.point.y, 7)],
    }
    if photos:
        data["photos"] = [photo.sha256 for photo in photos]
    if case.is_self_handled:
        data["self_handled"] = True
    case.number = next_number(case.city_id, now)
    event = CaseEvent(
        run=1,
        action=REPORT.action,
        actor=actor,
        principal=actor.principal,
        role=_post_of(case.source),
        organisation_id=actor.organisation_id,
        old_state="",
        new_state=case.state,
        at=now,
        data=data,
        idempotency_key=idempotency_key,
    )
    event, salt = event_chain(case, event, text)
    case.save(force_insert=True)
    event.case = case
    clocks.save()
    event_append(event, salt, text)
    if person is not None:
        person.case = case
        person.save(force_insert=True)
        parts_of(case).person = person
    photos_link(case=case, photos=photos, purpose=CasePhoto.Purpose.BEFORE, sequence=event.sequence)
    return case


def _post_of(source: str) -> str:
    return {"collector": "COL", "leader": "LDR"}.get(source, "ACC" if source != "sensor" else "SYS")
