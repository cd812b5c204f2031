"""The whole demo city in one call: what ``manage.py load_demo`` and the tests stand on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat, LPad
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import City, User
from accounts.services import roles_sync
from cases.exceptions.repeats import repeats_find
from cases.loading import load_settings
from cases.models import Case
from common.clock import NOT_A_DEMO, demo_clock_start
from common.errors import DomainError
from common.models import DemoClock
from common.owner import database_analyze
from components.loading import load_catalogue
from components.models import Component
from desks.demo.earlier import divisions_take_back
from desks.demo.history import load_history
from desks.demo.levels import load_desk_rules, show_levels
from desks.demo.organisations import ORGANISATIONS, keep_password, load_organisations
from desks.demo.pictures import PHOTOGRAPHER
from desks.demo.register import load_register
from desks.demo.rosters import load_rosters
from desks.demo.walls import load_walls
from dispatch.loading import load_proxy_work, load_routing
from evaluation.contracts.loading import load_contracts
from evaluation.loading import load_evaluation
from grid.loading import load_city_pack
from grid.reorganisation.plan import read_plan
from live.notifications.loading import load_notifications
from live.notifications.notify import READER
from live.readers import reader_begin

PACK = settings.BASE_DIR / "fixtures" / "hangzhou"
FOUNDED = date(2021, 4, 9)  # from when the divisions of the pack hold
COUNTED = date(2020, 6, 30)  # of when the divisions before them are
PLAN_OF_2021 = PACK / "reorganisation_2021.csv"
CONTRACTS = settings.BASE_DIR / "fixtures" / "demo" / "contracts.json"
ROUTING = settings.BASE_DIR / "fixtures" / "demo" / "routing.json"
ORGANISATIONS_OF_2020 = ORGANISATIONS.with_name("hangzhou_2020.json")


def load_demo() -> City:
    """Create the demo city, or complete what is missing of it; quick when nothing is.

    Raises DomainError ``not_a_demo`` outside demo mode and on a database that people use.
    """
    _check_database()
    clock = demo_clock_start()
    now = clock.virtual_anchor + (timezone.now() - clock.real_anchor) * clock.rate
    city = City.objects.first()
    if city is not None and _is_complete(city):
        roles_sync()
        load_notifications(city)
        keep_password(settings.DEMO_PASSWORD)
        load_routing(city, now, before=ROUTING)
        load_walls(city)
        load_evaluation()
        load_contracts(city, CONTRACTS, timezone.localdate(now))
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0; SET synchronous_commit = off")
        city = build_city(now, settings.DEMO_PASSWORD)
        load_register(city, timezone.localdate(now))
        people_make_reachable(city)
        reader_begin(reader=READER, position=0)  # the past days fill the inboxes
        load_history(city, now)
        load_desk_rules(city)
        show_levels(city, now)
        load_walls(city)
        load_contracts(city, CONTRACTS, timezone.localdate(now))
        repeats_find(now=now)
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout; RESET synchronous_commit")
        database_analyze()
    return city


def build_city(
    now: datetime, password: str, *, pack: Path = PACK, streets: Collection[str] | None = None
) -> City:
    """Give an empty database the city: ground, catalogue, calendars, organisations and people."""
    city = load_city_pack(pack, streets)
    load_catalogue()
    load_settings(city, now)
    load_organisations(city, FOUNDED, password)
    load_routing(city, now, before=ROUTING)
    load_notifications(city)
    load_proxy_work(city, now)
    load_rosters(city, now)
    load_evaluation()
    return city


def people_make_reachable(city: City) -> None:
    """Give everybody an address and a number that belong to nobody, so that messages go out."""
    User.objects.filter(city=city).update(
        email=Concat("username", Value("@city.example")),
        phone=Concat(Value("1000"), LPad(Cast("pk", CharField()), 7, Value("0"))),
    )


def build_city_of_2020(
    now: datetime, password: str, *, pack: Path = PACK, streets: Collection[str] | None = None
) -> City:
    """Give an empty database the city as it was before the reorganisation of 2021."""
    city = load_city_pack(pack, streets)
    lines, _day = read_plan(PLAN_OF_2021.read_bytes())
    divisions_take_back(city, lines, since=COUNTED)
    load_catalogue()
    load_settings(city, now)
    load_organisations(city, COUNTED, password, ORGANISATIONS, ORGANISATIONS_OF_2020)
    load_routing(city, now)
    load_proxy_work(city, now)
    return city


def _check_database() -> None:
    """The demo's clock marks its database: never turn one that people use into a demo."""
    if not settings.DEMO:
        raise DomainError(NOT_A_DEMO, _("The demo city is loaded only in demo mode."), status=403)
    if City.objects.exists() and not DemoClock.objects.exists():
        raise DomainError(
            NOT_A_DEMO, _("This database is used by people: it gets no demo city."), status=403
        )


def _is_complete(city: City) -> bool:
    return (
        User.objects.filter(username=PHOTOGRAPHER).exists()
        and Component.objects.filter(city=city).exists()
        and Case.objects.filter(city=city).exists()
    )
