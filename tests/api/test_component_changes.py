"""Changes of the register with approval: who may ask, who decides, and what comes of it."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.gis.geos import LineString, Point

from accounts.models import City
from common.errors import DomainError
from components.models import CaseType, Component
from components.register.changes import (
    change_approve,
    change_ask,
    change_refuse,
    change_withdraw,
)
from components.register.history import last_event_of
from components.register.models import ComponentChange
from components.services import component_create, component_retire, component_update
from grid.models import Area
from tests.cast import NOW, Cast, browser_of

TODAY = date(2026, 3, 16)


@pytest.fixture
def cover(cast: Cast) -> Component:
    """A cover of the water company; nobody else answers for it."""
    return make(cast, 5)


def make(cast: Cast, metres: float, code: str = "C0103", **values) -> Component:
    lon, lat = cast.near(metres)
    given = {
        "actor": None,
        "type": CaseType.objects.get(code=code),
        "geometry": Point(lon, lat, srid=4326),
        "competent_body": cast.bodies["water"],
        "address": "古墩路 1 号",
        "attributes": {"diameter_mm": 700} if code == "C0103" else None,
        "on": TODAY,
    }
    return component_create(**{**given, **values})


@pytest.fixture
def ask(cast: Cast, cover: Component):
    def send(by: str = "collector_chen", kind: str = "change", component=cover, **proposed):
        return change_ask(
            actor=cast.people[by],
            component_id=component.pk,
            kind=kind,
            proposed=proposed or ({"state": "damaged"} if kind == "change" else {}),
            reason="现场如此",
            now=NOW,
        )

    return send


@pytest.fixture
def approve(cast: Cast):
    def send(change: ComponentChange, name: str = "supervisor_zhao"):
        return change_approve(actor=cast.people[name], change_id=change.pk, now=NOW)

    return send


def refusal(call) -> DomainError:
    with pytest.raises(DomainError) as refused:
        call()
    return refused.value


# ── who may ask ───────────────────────────────────────────────────────────────────────────────


def test_every_post_of_the_centre_may_ask(cast, ask):
    for name in (
        "collector_far", "acceptor_wang", "supervisor_zhao", "dispatcher_gongshu", "leader_tang",
        "inspector_he", "administrator_bai",
    ):  # fmt: skip
        change = ask(name)
        change_withdraw(actor=cast.people[name], change_id=change.pk, now=NOW)


def test_a_department_asks_only_for_what_it_answers_for(cast, ask):
    change = ask("clerk_shui")
    change_withdraw(actor=cast.clerk_shui, change_id=change.pk, now=NOW)
    assert refusal(lambda: ask("clerk_hua")).code == "role_refused"
    ask("clerk_hua", component=make(cast, 9, maintainer=cast.bodies["gardens"]))


def test_a_squad_and_a_partner_may_not_ask(ask):
    assert refusal(lambda: ask("squad_gao")).code == "role_refused"
    assert refusal(lambda: ask("partner_dong")).status == 404


# ── who decides ───────────────────────────────────────────────────────────────────────────────


def test_nothing_changes_before_somebody_else_approves(cast, ask, approve, cover):
    change = ask(state="damaged", attributes={"diameter_mm": 800})
    cover.refresh_from_db()
    assert cover.state == "intact"
    assert approve(change).state == "approved"
    cover.refresh_from_db()
    assert (cover.state, cover.attributes) == ("damaged", {"diameter_mm": 800})


def test_who_asked_does_not_decide(ask, approve):
    change = ask("supervisor_zhao")
    assert refusal(lambda: approve(change, "supervisor_zhao")).code == "same_person"
    assert approve(change, "administrator_bai").state == "approved"


def test_only_named_posts_decide(ask, approve):
    change = ask()
    for name in ("acceptor_wang", "dispatcher_li", "head_qian", "inspector_he", "collector_far"):
        assert refusal(lambda name=name: approve(change, name)).code == "role_refused"
    assert approve(change, "leader_tang").decided_by.username == "leader_tang"


def test_a_refusal_says_why_and_changes_nothing(cast, ask, cover):
    change = ask()
    silent = refusal(
        lambda: change_refuse(actor=cast.leader_tang, change_id=change.pk, now=NOW, answer=" ")
    )
    assert silent.code == "missing_field"
    change_refuse(actor=cast.leader_tang, change_id=change.pk, now=NOW, answer="看错了")
    cover.refresh_from_db()
    assert cover.state == "intact"
    assert ComponentChange.objects.get().answer == "看错了"


def test_only_who_asked_withdraws(cast, ask):
    change = ask()
    call = refusal(lambda: change_withdraw(actor=cast.acceptor_wang, change_id=change.pk, now=NOW))
    assert call.code == "role_refused"
    assert change_withdraw(actor=cast.collector_chen, change_id=change.pk, now=NOW).state == (
        "withdrawn"
    )


def test_a_decision_is_taken_once(cast, ask, approve):
    change = ask()
    approve(change)
    assert refusal(lambda: approve(change, "leader_tang")).code == "not_possible"
    withdraw = refusal(
        lambda: change_withdraw(actor=cast.collector_chen, change_id=change.pk, now=NOW)
    )
    assert withdraw.code == "not_possible"


def test_a_component_has_one_open_request_at_a_time(ask):
    ask()
    assert refusal(lambda: ask("acceptor_wang", state="lost")).code == "not_possible"


# ── the record moved on ───────────────────────────────────────────────────────────────────────


def test_a_request_lapses_when_the_record_changed_meanwhile(cast, ask, approve, cover):
    change = ask(state="lost")
    component_update(actor=None, component_id=cover.pk, on=TODAY, state="damaged")
    assert approve(change).state == "lapsed"
    cover.refresh_from_db()
    assert cover.state == "damaged"
    ask(state="lost")


def test_who_saw_an_older_record_is_told(cast, cover):
    seen = last_event_of(cover.pk)
    component_update(actor=None, component_id=cover.pk, on=TODAY, state="damaged")
    stale = refusal(
        lambda: change_ask(
            actor=cast.collector_chen,
            component_id=cover.pk,
            kind="change",
            proposed={"state": "lost"},
            reason="不见了",
            now=NOW,
            seen_event=seen,
        )
    )
    assert (stale.code, stale.status) == ("stale_version", 409)


def test_what_ended_is_not_changed(ask, cover):
    component_retire(actor=None, component_id=cover.pk, on=TODAY)
    assert refusal(ask).code == "not_possible"


# ── what may be proposed ──────────────────────────────────────────────────────────────────────


MISFITS = (
    ("paint", {"state": "damaged"}, "kind"),
    ("change", {"code": "1"}, "code"),
    ("change", {"type": "C0101"}, "type"),
    ("change", {"geometry": {}}, "geometry"),
    ("change", {"state": "fine"}, "state"),
    ("change", {"state": "intact"}, "proposed"),
    ("change", {"attributes": {"colour": "red"}}, "attributes"),
    ("change", {"attributes": "red"}, "attributes"),
    ("change", {"competent_body": None}, "competent_body"),
    ("change", {"owner": "nobody-knows"}, "owner"),
    ("change", {"name": 5}, "name"),
    ("change", {"name": "长" * 81}, "name"),
    ("change", {"surveyed_date": "soon"}, "surveyed_date"),
    ("move", {"geometry": {"type": "Point", "coordinates": [121.47, 31.23]}}, "geometry"),
    ("move", {"geometry": {"type": "Point", "coordinates": ["a", "b"]}}, "geometry"),
    ("move", {"geometry": {"type": "Point"}}, "geometry"),
    ("move", {"geometry": "POINT(1 1)"}, "geometry"),
    (
        "move",
        {"geometry": {"type": "LineString", "coordinates": [[120.1, 30.2], [120.2, 30.3]]}},
        "geometry",
    ),
    ("retire", {"state": "lost"}, "state"),
    ("merge", {"into": "x"}, "into"),
    ("merge", {"state": "lost"}, "state"),
)


def test_a_proposal_that_does_not_fit_is_refused_at_once(ask):
    for kind, proposed, field in MISFITS:
        refused = refusal(lambda kind=kind, proposed=proposed: ask(kind=kind, **proposed))
        assert (refused.status, list(refused.fields)) == (400, [field]), proposed
    assert not ComponentChange.objects.exists()


def test_a_reason_is_needed(cast, cover):
    silent = refusal(
        lambda: change_ask(
            actor=cast.collector_chen,
            component_id=cover.pk,
            kind="retire",
            proposed={},
            reason="  ",
            now=NOW,
        )
    )
    assert (silent.code, list(silent.fields)) == ("missing_field", ["reason"])


# ── the kinds ─────────────────────────────────────────────────────────────────────────────────


def test_a_moved_component_keeps_its_code_and_gets_its_cell(cast, ask, approve, cover):
    lon, lat = cast.near(205)
    approve(ask(kind="move", geometry={"type": "Point", "coordinates": [lon, lat]}))
    moved = Component.objects.get(pk=cover.pk)
    assert moved.code == cover.code
    assert moved.cell.geometry.covers(moved.point)
    assert moved.cell_id != cover.cell_id


def test_a_retired_component_keeps_its_code_for_good(cast, ask, approve, cover):
    approve(ask(kind="retire"))
    cover.refresh_from_db()
    assert (cover.ending, cover.retired_date) == ("retired", TODAY)
    assert make(cast, 5).code > cover.code


def test_a_replaced_component_names_the_new_one(ask, approve, cover):
    change = approve(ask(kind="replace", attributes={"diameter_mm": 800}, name="新井盖"))
    cover.refresh_from_db()
    new = cover.successor
    assert (cover.ending, change.successor) == ("replaced", new)
    assert new.code not in ("", cover.code)
    assert (new.name, new.state, new.attributes) == ("新井盖", "intact", {"diameter_mm": 800})
    assert (new.point, new.competent_body) == (cover.point, cover.competent_body)
    assert new.installed_date == TODAY


def test_a_merged_component_says_which_one_stays(cast, ask, approve, cover):
    stays = make(cast, 8)
    approve(ask(kind="merge", into=stays.code))
    cover.refresh_from_db()
    assert (cover.ending, cover.successor) == ("merged", stays)
    stays.refresh_from_db()
    assert stays.retired_date is None


def test_what_cannot_be_one_thing_is_not_merged(cast, ask, cover):
    far, lamp, gone = make(cast, 300), make(cast, 6, "C0118"), make(cast, 7)
    component_retire(actor=None, component_id=gone.pk, on=TODAY)
    assert "into" in refusal(lambda: ask(kind="merge", into=far.code)).fields
    assert "into" in refusal(lambda: ask(kind="merge", into=lamp.code)).fields
    assert "into" in refusal(lambda: ask(kind="merge", into=cover.code)).fields
    assert refusal(lambda: ask(kind="merge", into=gone.code)).code == "not_possible"
    cover.refresh_from_db()
    assert cover.retired_date is None, "trying it wrote nothing"


def test_the_history_names_who_asked_who_approved_and_why(cast, ask, approve, cover):
    change = approve(ask())
    event = cover.events.select_related("pgh_context").get()
    assert event.pgh_context.metadata == {
        "act": "change",
        "reason": "现场如此",
        "request": change.pk,
        "asked_by": cast.collector_chen.pk,
        "user": cast.supervisor_zhao.pk,
    }


def test_the_programs_own_role_may_do_all_of_it(as_app_role, ask, approve, cover):
    assert approve(ask(kind="replace")).state == "approved"


# ── over the API ──────────────────────────────────────────────────────────────────────────────


def test_over_the_api_a_change_is_asked_once_and_decided(api_of, cover, assert_refused):
    collector, supervisor = api_of("collector_chen"), api_of("supervisor_zhao")
    record = collector.get(f"components/{cover.code}/").json()
    body = {
        "kind": "change",
        "proposed": {"state": "damaged"},
        "reason": "破了",
        "version": record["version"],
    }
    path = f"components/{cover.code}/changes/"
    asked = collector.post(path, body, key="one")
    assert asked.status_code == 201
    again = collector.post(path, body, key="one")
    assert (again.status_code, again.json()) == (200, asked.json())
    assert_refused(collector.post(path, {**body, "reason": "x"}, key="one"), 409, "key_reused")
    decision = f"components/changes/{asked.json()['id']}"
    assert_refused(collector.post(f"{decision}/approve/", {}), 403, "role_refused")
    assert_refused(supervisor.post(f"{decision}/burn/", {}), 404, "not_found")
    done = supervisor.post(f"{decision}/approve/", {"answer": "好"})
    assert (done.status_code, done.json()["state"]) == (200, "approved")
    history = collector.get(f"components/{cover.code}/").json()["history"]
    assert history[0]["changes"] == [{"label": "state", "before": "Intact", "after": "Damaged"}]
    assert (history[0]["by"], history[0]["asked_by"]) == ("supervisor_zhao", "collector_chen")


def test_a_place_in_another_city_is_none_of_the_register(cast, cover, ask):
    lon, lat = cast.near(30)
    there = {"type": "Point", "coordinates": [lon, lat]}
    asked = ask(kind="move", geometry=there)
    Area.objects.update(city=City.objects.create(code="330200", name="宁波市"))
    refused = refusal(
        lambda: change_approve(actor=cast.supervisor_zhao, change_id=asked.pk, now=NOW)
    )
    assert list(refused.fields) == ["geometry"]
    assert refusal(lambda: make(cast, 40)).code == "outside_city"
    place = Point(lon, lat, srid=4326)
    moved = {"actor": None, "component_id": cover.pk, "on": TODAY, "geometry": place}
    assert refusal(lambda: component_update(**moved)).code == "outside_city"


def test_over_the_api_what_is_kept_of_a_change_is_made_fit_to_store(api_of, cover):
    lon, lat = cover.point.coords
    place = {"type": "Point", "coordinates": [lon + 1e-5, lat], "\x00": ["\x00"]}
    proposed = {"name": "大\x00井", "geometry": place}
    body = {"kind": "replace", "proposed": proposed, "reason": "换了", "version": 0}
    asked = api_of("collector_chen").post(f"components/{cover.code}/changes/", body)
    assert asked.status_code == 201
    assert asked.json()["proposed"]["name"] == "大井"


def test_over_the_api_a_stale_change_gets_the_record_as_it_is(api_of, cover, cast, assert_refused):
    collector, supervisor = api_of("collector_chen"), api_of("supervisor_zhao")
    path = f"components/{cover.code}/changes/"
    body = {"kind": "change", "proposed": {"state": "lost"}, "reason": "没了", "version": 0}
    asked = collector.post(path, body).json()
    component_update(actor=None, component_id=cover.pk, on=TODAY, state="damaged")
    lapsed = supervisor.post(f"components/changes/{asked['id']}/approve/", {}, key="lapse")
    assert (lapsed.status_code, lapsed.json()["code"]) == (409, "lapsed")
    assert lapsed.json()["component"]["state"] == "damaged"
    assert ComponentChange.objects.get().state == "lapsed", "the lapse is kept"
    stale = collector.post(path, body)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert stale.json()["component"]["state"] == "damaged"
    assert_refused(collector.post(path, {**body, "version": None}), 400, "invalid", "version")


# ── on the pages ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def page_of(cast):
    return lambda name: browser_of(cast.people[name])


def form_of(component: Component, **changes) -> dict[str, str]:
    """Return what the page of a change sends when nothing but ``changes`` was touched."""
    point = component.point
    sent = {
        "competent_body": component.competent_body.code,
        "name": component.name,
        "address": component.address,
        "state": component.state,
        "accuracy": component.accuracy,
        "attribute_diameter_mm": "700",
        "longitude": f"{point.x:.6f}",
        "latitude": f"{point.y:.6f}",
        "reason": "破了",
        "seen_event": "0",
        "key": "a-key",
    }
    return {**sent, **changes}


def test_the_page_sends_only_what_was_touched(page_of, cover):
    browser = page_of("collector_chen")
    address = f"/components/{cover.code}/changes/change/"
    assert "Diameter" in browser.get(address).text
    answer = browser.post(address, form_of(cover, state="damaged", attribute_diameter_mm="800"))
    change = ComponentChange.objects.get()
    assert answer.url == f"/components/changes/{change.pk}/"
    assert change.proposed == {"state": "damaged", "attributes": {"diameter_mm": 800}}
    browser.post(address, form_of(cover, state="damaged", attribute_diameter_mm="800"))
    assert ComponentChange.objects.count() == 1, "a double click asks once"


def test_the_page_of_a_stale_record_starts_again(page_of, cover):
    component_update(actor=None, component_id=cover.pk, on=TODAY, address="新址")
    answer = page_of("collector_chen").post(
        f"/components/{cover.code}/changes/move/", form_of(cover, longitude="120.1")
    )
    assert answer.status_code == 409
    assert "The record changed meanwhile" in answer.text


def test_the_page_keeps_what_was_typed_when_it_is_refused(page_of, cover):
    answer = page_of("collector_chen").post(
        f"/components/{cover.code}/changes/change/", form_of(cover, reason="没变")
    )
    assert answer.status_code == 400
    assert "Nothing would change." in answer.text
    assert "没变" in answer.text


@pytest.mark.parametrize("odd", ["[" * 50_000, "[" * 900 + "]" * 900, "9" * 5000, "NaN", "null"])
def test_what_is_no_geometry_is_refused_on_the_page(page_of, cast, odd):
    lon, lat = cast.place
    line = LineString((lon, lat), (lon + 0.001, lat), srid=4326)
    rail = make(cast, 0, "C0211", geometry=line)
    answer = page_of("collector_chen").post(
        f"/components/{rail.code}/changes/move/", form_of(rail, geometry=odd)
    )
    assert answer.status_code == 400
    assert "must be a GeoJSON geometry" in answer.text


def test_a_request_is_decided_on_its_page(page_of, ask, cover):
    change = ask()
    address = f"/components/changes/{change.pk}/"
    boss = page_of("supervisor_zhao")
    assert "<del>Intact</del>" in boss.get(address).text
    assert "/approve/" not in page_of("acceptor_wang").get(address).text
    assert "/withdraw/" in page_of("collector_chen").get(address).text
    assert boss.post(f"{address}refuse/", {"answer": ""}).status_code == 400
    assert boss.post(f"{address}approve/").url == address
    cover.refresh_from_db()
    assert cover.state == "damaged"
    assert boss.post(f"{address}approve/").status_code == 409


def test_open_requests_stand_in_a_list(page_of, ask, cover):
    ask()
    assert cover.code in page_of("leader_tang").get("/components/changes/").text
    assert cover.code not in page_of("leader_tang").get("/components/changes/?show=mine").text
    assert cover.code in page_of("collector_chen").get("/components/changes/?show=mine").text


def test_near_components_of_the_type_are_offered_to_merge(page_of, cast, cover):
    near, far = make(cast, 9), make(cast, 200)
    page = page_of("collector_chen").get(f"/components/{cover.code}/changes/merge/").text
    assert near.code in page
    assert far.code not in page
