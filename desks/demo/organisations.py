"""The demo city's organisation tree, jurisdictions and people, from fixtures/organisations/.

Idempotent by organisation codes and log-in names: a second run adds what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import City, Organisation, User
from accounts.roles import Role
from accounts.services import organisation_create, roles_sync
from desks.demo.names import person_name, phone_number
from grid.models import Area, Beat, BeatAssignment, Jurisdiction, ManagementArea

ORGANISATIONS = settings.BASE_DIR / "fixtures" / "organisations" / "hangzhou.json"
HANDLING_KINDS = (
    Organisation.Kind.DEPARTMENT,
    Organisation.Kind.ENTERPRISE,
    Organisation.Kind.STREET,
)


@transaction.atomic
def load_organisations(city: City, on: date, password: str, *paths: Path) -> dict[str, User]:
    """Create the tree, who answers where, and everybody's log-in; return people by log-in name.

    What belongs to a place that is not loaded (a test's small city) is left out. Files after the
    first, by default the demo's, add to it.
    """
    plan: dict[str, Any] = {}
    for path in paths or (ORGANISATIONS,):
        plan = _joined(plan, json.loads(path.read_text(encoding="utf-8")))
    roles_sync()
    bodies = _load_tree(city, plan["organisations"])
    _load_street_offices(city, bodies, plan["street_offices"])
    _load_jurisdictions(city, bodies, on, plan["jurisdictions"])
    entries = [
        *plan["people"],
        *_on_duty(plan["duty"]),
        *_clerks(bodies),
        *_collectors(city, plan),
    ]
    people = _load_people(city, bodies, entries, password)
    _walk_beats(city, people, entries, on)
    return people


def _joined(first: Any, more: Any) -> Any:
    """Join two plans: lists are appended, the keys of dictionaries added."""
    if isinstance(first, dict):
        keys = [*first, *(key for key in more if key not in first)]
        return {
            key: _joined(first[key], more[key])
            if key in first and key in more
            else first.get(key, more.get(key))
            for key in keys
        }
    return [*first, *more] if isinstance(first, list) else more


# ── the tree ──────────────────────────────────────────────────────────────────────────────────


def _load_tree(city: City, entries: Iterable[dict[str, Any]]) -> dict[str, Organisation]:
    bodies = {row.code: row for row in Organisation.objects.filter(city=city)}
    for entry in entries:
        if entry["code"] not in bodies:
            parent = bodies.get(entry.get("parent"))
            bodies[entry["code"]] = organisation_create(**{**entry, "city": city, "parent": parent})
    return bodies


def _load_street_offices(
    city: City, bodies: dict[str, Organisation], plan: Mapping[str, Any]
) -> None:
    """An office for every street, a body for every community of some streets."""
    streets = Area.objects.filter(city=city, level=Area.Level.STREET, valid_to=None)
    for street in streets.select_related("parent").order_by("code"):
        _add_office(bodies, street, plan, bodies[plan["parents"][street.parent.code]])
    communities = Area.objects.filter(
        city=city,
        level=Area.Level.COMMUNITY,
        valid_to=None,
        parent__code__in=plan["communities_of"],
    )
    for community in communities.select_related("parent").order_by("code"):
        code = f"community-{community.code}"
        if code not in bodies:
            bodies[code] = organisation_create(
                city=city,
                code=code,
                kind=Organisation.Kind.COMMUNITY,
                name=f"{community.name}居委会",
                name_en=f"{community.name_en} Committee",
                parent=bodies[f"street-{community.parent.code}"],
            )


def _add_office(
    bodies: dict[str, Organisation], street: Area, plan: Mapping[str, Any], parent: Organisation
) -> None:
    code = f"street-{street.code}"
    if code in bodies:
        return
    bodies[code] = organisation_create(
        city=parent.city,
        code=code,
        kind=Organisation.Kind.STREET,
        name=plan["name"].format(street=street.name),
        name_en=plan["name_en"].format(street=street.name_en),
        department_kind=plan["department_kind"],
        parent=parent,
    )


def _load_jurisdictions(
    city: City, bodies: Mapping[str, Organisation], on: date, entries: Iterable[dict[str, str]]
) -> None:
    areas = {row.code: row for row in Area.objects.filter(city=city, valid_to=None)}
    managed = {row.code: row for row in ManagementArea.objects.filter(city=city, valid_to=None)}
    offices = [
        {"organisation": f"street-{area.code}", "function": "handling", "area": area.code}
        for area in areas.values()
        if area.level == Area.Level.STREET
    ]
    known = set(Jurisdiction.objects.values_list("organisation__code", "function", "area__code"))
    Jurisdiction.objects.bulk_create(
        Jurisdiction(
            organisation=bodies[entry["organisation"]],
            function=entry["function"],
            area=areas.get(entry.get("area")),
            management_area=managed.get(entry.get("management_area")),
            valid_from=on,
        )
        for entry in (*entries, *offices)
        if (entry["organisation"], entry["function"], entry.get("area")) not in known
        and (entry.get("area") in areas or entry.get("management_area") in managed)
    )


# ── the people ────────────────────────────────────────────────────────────────────────────────


def named_logins(path: Path = ORGANISATIONS) -> tuple[str, ...]:
    """Return the log-ins that are for people to use: the simulator never acts in their name."""
    plan = json.loads(path.read_text(encoding="utf-8"))
    people = (*plan["people"], *plan["collectors"]["named"])
    return tuple(entry["username"] for entry in people)


def named_streets(path: Path = ORGANISATIONS) -> frozenset[str]:
    """Return the codes of the streets where the named collectors walk."""
    plan = json.loads(path.read_text(encoding="utf-8"))
    return frozenset(entry["street"] for entry in plan["collectors"]["named"])


def keep_password(password: str, path: Path = ORGANISATIONS) -> None:
    """Give the named log-ins this password where it is another: the setting was changed."""
    people = User.objects.filter(username__in=named_logins(path))
    first = people.order_by("pk").first()
    if first is not None and not first.check_password(password):
        people.update(password=make_password(password))


def _on_duty(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """People of the centre, the desks and the squads beside the named ones."""
    logins = [
        (f"{entry['role']}_{entry['organisation'].replace('-', '_')}_{number}", entry)
        for entry in entries
        for number in range(1, entry["count"] + 1)
    ]
    return [
        {
            "username": login,
            "name": person_name(login),
            "organisation": entry["organisation"],
            "roles": [entry["role"]],
        }
        for login, entry in logins
    ]


def _clerks(bodies: Mapping[str, Organisation]) -> list[dict[str, Any]]:
    """A clerk for every body that handles cases."""
    handling = [body for body in bodies.values() if body.kind in HANDLING_KINDS]
    return [
        {
            "username": f"clerk_{body.code.replace('-', '_')}",
            "name": person_name(body.code),
            "organisation": body.code,
            "roles": [Role.DEPARTMENT_CLERK],
        }
        for body in sorted(handling, key=lambda body: body.code)
    ]


def _collectors(city: City, plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Collectors for every street: the named ones where they belong, others to make up the pair."""
    settings_ = plan["collectors"]
    streets = Area.objects.filter(city=city, level=Area.Level.STREET, valid_to=None)
    entries = []
    for street in streets.select_related("parent").order_by("code"):
        named = [entry for entry in settings_["named"] if entry["street"] == street.code]
        extra = [
            {"username": f"collector_{street.code}_{number}", "name": None, "street": street.code}
            for number in range(len(named) + 1, settings_["per_street"] + 1)
        ]
        entries += [
            {
                "username": entry["username"],
                "name": entry["name"] or person_name(entry["username"]),
                "organisation": settings_["contractors"][street.parent.code],
                "roles": [Role.COLLECTOR],
                "street": street.code,
            }
            for entry in (*named, *extra)
        ]
    return entries


def _load_people(
    city: City,
    bodies: Mapping[str, Organisation],
    entries: list[dict[str, Any]],
    password: str,
) -> dict[str, User]:
    known = set(User.objects.values_list("username", flat=True))
    new = [entry for entry in entries if entry["username"] not in known]
    # One hash for all: they share the password, and each hash costs a third of a second.
    encoded = make_password(password) if new else ""
    User.objects.bulk_create(
        User(
            username=entry["username"],
            password=encoded,
            city=city,
            organisation=bodies[entry["organisation"]],
            display_name=entry["name"],
            phone=phone_number(entry["username"]),
            is_staff=entry.get("is_staff", False),
            is_superuser=entry.get("is_superuser", False),
        )
        for entry in new
    )
    names = [entry["username"] for entry in entries]
    people = {row.username: row for row in User.objects.filter(username__in=names)}
    _give_roles(people, new)
    return {row.username: row for row in User.objects.with_roles().filter(username__in=names)}


def _give_roles(people: Mapping[str, User], entries: Iterable[dict[str, Any]]) -> None:
    groups = {group.name: group for group in Group.objects.all()}
    membership = User.groups.through
    membership.objects.bulk_create(
        membership(user=people[entry["username"]], group=groups[role])
        for entry in entries
        for role in entry["roles"]
    )


def _walk_beats(
    city: City, people: Mapping[str, User], entries: Iterable[dict[str, Any]], on: date
) -> None:
    """The collectors of a street walk all its beats, two to a beat."""
    walkers: dict[str, list[User]] = {}
    for entry in entries:
        if "street" in entry:
            walkers.setdefault(entry["street"], []).append(people[entry["username"]])
    known = set(BeatAssignment.objects.values_list("beat_id", "collector_id"))
    beats = Beat.objects.filter(city=city, valid_to=None).only("id", "code")
    BeatAssignment.objects.bulk_create(
        BeatAssignment(beat=beat, collector=collector, valid_from=on)
        for beat in beats
        for collector in walkers.get(beat.code[:9], [])  # a beat's code begins with its street's
        if (beat.pk, collector.pk) not in known
    )
