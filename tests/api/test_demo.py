"""The demo city: founded once, in demo mode only, peopled, furnished, and alive."""

import json
from datetime import date, timedelta
from io import BytesIO
from random import Random

import pytest
from django.contrib.gis.db.models import Union
from django.core.management import CommandError, call_command
from PIL import Image

from accounts.models import City, Organisation, User
from accounts.roles import Role
from cases.models import ApprovalRequest, Case, CaseEvent
from cases.services import case_act, photo_store
from cases.services.photos import photo_copy
from cases.services.verify import case_verify
from cases.workflow import NOTICES, State
from common.clock import demo_clock_start
from common.errors import DomainError
from components.models import CaseType, Component
from desks.demo import pictures
from desks.demo.history import PATHS, load_history
from desks.demo.loading import CONTRACTS, load_demo
from desks.demo.names import person_name
from desks.demo.organisations import keep_password, load_organisations, named_logins
from desks.demo.play import Player
from desks.demo.register import load_register
from desks.demo.simulation import (
    BACKLOG,
    HOURS,
    PASSING,
    Simulation,
    is_flooded,
    reports_a_minute,
    steps_expected,
)
from dispatch.funds.models import JournalEntry, Quote
from dispatch.funds.selectors import books_verify
from dispatch.routing.job import cases_route
from evaluation.contracts.loading import load_contracts
from evaluation.contracts.models import ContractLot, LotBeat
from grid.models import BeatAssignment, Zone
from tests.city import NOW, PASSWORD
from tests.databases import filled

ON = date(2026, 3, 16)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def city(demo_city):
    return demo_city


FEW = 300


@filled("demo_city")
def furnished(city):
    """The small city with its register and with small pictures instead of drawn ones."""
    load_register(city, ON, FEW)
    owner = User.objects.get(username=pictures.PHOTOGRAPHER)
    out = BytesIO()
    Image.new("RGB", (40, 30), "gray").save(out, "JPEG")
    out.seek(0)
    photo = photo_store(owner=owner, upload=out, now=NOW)
    for _each in range(2 * len(pictures.SCENES) * pictures.VARIANTS - 1):
        photo_copy(photo=photo, owner=owner, now=NOW)


# ── when it may be loaded ─────────────────────────────────────────────────────────────────────


def test_there_is_no_demo_city_outside_demo_mode(db, settings):
    before = City.objects.count()
    with pytest.raises(DomainError) as refused:
        load_demo()
    assert refused.value.code == "not_a_demo"
    assert City.objects.count() == before
    with pytest.raises(CommandError):
        call_command("load_demo")


def test_a_database_that_people_use_gets_no_demo_city(db, settings):
    settings.DEMO = True
    City.objects.create(code="330200", name="宁波市")
    with pytest.raises(DomainError) as refused:
        load_demo()
    assert refused.value.code == "not_a_demo"
    assert not User.objects.exists()


def test_the_simulator_plays_only_a_demo_city(db, settings):
    with pytest.raises(CommandError):
        call_command("simulate", once=1)
    settings.DEMO = True
    with pytest.raises(CommandError, match="load_demo"):
        call_command("simulate", once=1)


# ── who is there ──────────────────────────────────────────────────────────────────────────────

PROMISED = """
    admin acceptor1 acceptor2 supervisor1 dispatcher1 dispatcher_xihu leader1 dept_sanitation
    dept_municipal dept_gardens dept_water dept_enforcement dept_head1 collector1 collector2
    collector3 collector4 contractor1 inspector1
"""


def test_the_log_ins_promised_are_among_those_for_people():
    assert set(PROMISED.split()) <= set(named_logins())


def test_everybody_has_a_post_a_body_and_the_password(city):
    people = {row.username: row for row in User.objects.with_roles()}
    assert people["acceptor1"].roles == {Role.ACCEPTOR}
    assert people["dispatcher_xihu"].organisation.code == "xihu"
    assert people["dispatcher1"].organisation.has_dispatch_desk
    assert people["dept_water"].organisation.department_kind == "water"
    assert people["collector3"].check_password(PASSWORD)
    assert all(person.roles and person.organisation for person in people.values())


def test_two_collectors_walk_every_beat(city):
    beats = {}
    for assignment in BeatAssignment.objects.select_related("collector"):
        beats.setdefault(assignment.beat_id, set()).add(assignment.collector.username)
    assert {len(walkers) for walkers in beats.values()} == {2}
    assert {"collector3", "collector4"} in beats.values()


def test_every_trade_of_the_catalogue_has_a_body_for_the_whole_city(city):
    trades = set(Organisation.objects.filter(parent__kind="city").values_list("department_kind"))
    wanted = set(CaseType.objects.values_list("lead_department_kind"))
    assert wanted <= trades


def test_founding_it_again_adds_nobody(city):
    before = User.objects.count(), Organisation.objects.count(), BeatAssignment.objects.count()
    load_organisations(city, ON, PASSWORD)
    after = User.objects.count(), Organisation.objects.count(), BeatAssignment.objects.count()
    assert after == before


def test_each_beat_is_in_a_lot_of_the_contractor_whose_collectors_walk_it(city):
    assert load_contracts(city, CONTRACTS, ON) == 3
    assert load_contracts(city, CONTRACTS, ON) == 0
    lots = dict(LotBeat.objects.values_list("beat", "lot__contract__contractor"))
    walked = dict(BeatAssignment.objects.values_list("beat", "collector__organisation"))
    assert lots == walked
    assert all(lot.terms.exists() for lot in ContractLot.objects.all())


def test_another_password_in_the_settings_is_the_one_that_counts(city):
    keep_password(PASSWORD)
    before = User.objects.get(username="acceptor1").password
    keep_password("another-one")
    keep_password("another-one")
    after = User.objects.get(username="acceptor1")
    assert after.check_password("another-one")
    assert before != after.password


def test_the_same_key_is_always_the_same_person():
    assert person_name("clerk_1") == person_name("clerk_1")
    assert len({person_name(str(number)) for number in range(200)}) > 150


# ── what stands there ─────────────────────────────────────────────────────────────────────────


def test_the_register_is_laid_once_and_thickest_where_a_pilot_surveyed(city):
    assert load_register(city, ON, FEW) == FEW
    assert load_register(city, ON, FEW) == FEW
    assert Component.objects.count() == FEW
    zones = {
        grade: Zone.objects.filter(grade=grade).aggregate(whole=Union("geometry"))["whole"]
        for grade in (Zone.Grade.KEY, Zone.Grade.ORDINARY)
    }
    in_key = Component.objects.filter(point__within=zones["key"]).count()
    elsewhere = Component.objects.filter(point__within=zones["ordinary"])
    in_ordinary = elsewhere.exclude(point__within=zones["key"]).count()
    assert in_key / zones["key"].area > 5 * in_ordinary / zones["ordinary"].area


def test_districts_with_bodies_of_their_own_look_after_their_things(furnished):
    owners = set(
        Component.objects.filter(type__lead_department_kind="gardens").values_list(
            "community__parent__parent__code", "owner__code"
        )
    )
    assert ("330106", "xihu-gardens") in owners
    assert ("330105", "city-gardens") in owners


# ── its past and its present ──────────────────────────────────────────────────────────────────


def test_the_past_fills_every_desk_through_the_door(furnished):
    """One story of every path, each told to its end."""
    paths = [json.loads(line)["path"].split() for line in PATHS.read_text("utf-8").splitlines()]
    count = load_history(furnished, NOW, share=0)
    assert count == len(paths)
    acts = CaseEvent.objects.exclude(action__in=NOTICES)
    assert acts.count() == count + sum(map(len, paths))
    states = {State(state) for state in Case.objects.values_list("state", flat=True)}
    assert states >= set(BACKLOG) | {State.CLOSED, State.REFUSED, State.VOIDED}
    assert ApprovalRequest.objects.filter(status="open").exists()
    moments = list(CaseEvent.objects.order_by("pk").values_list("at", flat=True))
    assert moments == sorted(moments)
    assert max(moments) <= NOW
    numbers = list(Case.objects.order_by("reported_at").values_list("number", flat=True))
    assert numbers == sorted(numbers)
    assert load_history(furnished, NOW) == count
    assert set(JournalEntry.objects.values_list("kind", flat=True)) >= {"budget", "commitment"}
    assert Quote.objects.filter(state="accepted").exists()
    assert books_verify() == []


def stories(tmp_path, *paths):
    """Write a short past: two cases on each path."""
    path = tmp_path / "history.jsonl"
    lines = [json.dumps({"count": 2, "path": each, "waited_h": [0.1, 1]}) for each in paths]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_city_goes_on_and_leaves_alone_what_people_touched(furnished, tmp_path):
    load_history(furnished, NOW, stories(tmp_path, "", "accept", "accept file"))
    person = User.objects.with_roles().get(username="supervisor1")
    ours = Case.objects.filter(state=State.ACCEPTED).first()
    case_act(case_id=ours.pk, action="send_back", actor=person, now=NOW, reason="材料不全")
    simulation = Simulation(furnished, NOW, rate=3, seed=5)
    steps = 0
    for minute in range(1, 3):
        steps += simulation.tick(NOW + minute * MINUTE, MINUTE)
        cases_route(now=NOW + minute * MINUTE)
    assert steps > 10
    later = CaseEvent.objects.filter(at__gt=NOW)
    assert later.count() >= steps
    assert not later.filter(actor__username__in=named_logins()).exists()
    assert not later.filter(case=ours).exists()


@pytest.mark.parametrize(("type_code", "rule"), [("C0103", "covers"), ("C0118", "maintainer")])
def test_what_nobody_has_to_think_about_goes_to_its_body_without_a_dispatcher(
    furnished, type_code, rule
):
    player = Player(furnished, Random(1), pictures.pictures_of(furnished, NOW))
    marked, other = (
        player.report(NOW, "collector", type_code=code, urgency="normal")
        for code in (type_code, "E0102")
    )
    for action in ("accept", "file"):
        marked, other = (player.act(case, action, NOW) for case in (marked, other))
    assert cases_route(now=NOW) == (2, 1)
    other.refresh_from_db()
    assert other.state == State.FILED
    case = Case.objects.select_related("component", "type").get(pk=marked.pk)
    given_out = case.events.get(action="dispatch")
    assert (given_out.actor, given_out.role) == (None, "SYS")
    assert given_out.data["routing"]["rule"] == rule
    assert case.department_id == case.component.maintainer_id
    for action in ("sign", "complete", "send_check", "check_pass", "close"):
        case = player.act(case, action, NOW)
    assert case.state == State.CLOSED
    assert case_verify(case) == []


def test_at_its_usual_backlog_a_stage_lets_out_as_many_as_enter_it():
    entering = {state: 5.0 * PASSING.get(state, 1.0) for state in BACKLOG}
    assert steps_expected(BACKLOG, 5.0) == entering


def test_a_queue_twice_as_long_is_worked_off_twice_as_fast():
    twice = steps_expected({state: 2 * usual for state, usual in BACKLOG.items()}, 5.0)
    assert twice == {state: 2 * steps for state, steps in steps_expected(BACKLOG, 5.0).items()}
    assert set(steps_expected({}, 5.0).values()) == {0.0}


def test_nothing_is_added_to_a_flood():
    assert not is_flooded(BACKLOG)
    assert is_flooded({State.HANDLING: 3 * sum(BACKLOG.values())})


def test_the_simulator_takes_as_many_steps_as_asked_and_stops(furnished, settings, capsys):
    settings.DEMO = True
    demo_clock_start(virtual_now=NOW)
    call_command("simulate", once=3, seed=2)
    assert int(capsys.readouterr().out.split()[0]) >= 3


def test_every_hour_of_the_day_brings_something():
    assert len(HOURS) == 24
    assert min(HOURS) > 0
    assert reports_a_minute(10) > reports_a_minute(3)


# ── pictures ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scene", pictures.SCENES)
def test_a_scene_is_always_drawn_the_same_and_looks_different_when_put_right(scene):
    before = pictures.picture(scene, pictures.BEFORE, 0).getvalue()
    assert before == pictures.picture(scene, pictures.BEFORE, 0).getvalue()
    assert before != pictures.picture(scene, pictures.AFTER, 0).getvalue()
    assert Image.open(BytesIO(before)).size == pictures.SIZE
