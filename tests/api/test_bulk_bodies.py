"""Bulk change of a body: previewed, one act in the history, undone by another."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.gis.geos import Point

from common.errors import DomainError
from components.models import CaseType, Component
from components.register import bodies
from components.register.bodies import (
    bodies_ask,
    bodies_preview,
    bodies_resume,
    bodies_run,
    bodies_undo,
)
from components.register.models import BodyChange
from components.services import component_create, component_retire, component_update
from tests.cast import NOW, Cast, browser_of

TODAY = date(2026, 3, 16)


def make(cast: Cast, metres: float, code: str = "C0103", **values) -> Component:
    lon, lat = cast.near(metres)
    given = {
        "actor": None,
        "type": CaseType.objects.get(code=code),
        "geometry": Point(lon, lat, srid=4326),
        "competent_body": cast.bodies["water"],
        "on": TODAY,
    }
    return component_create(**{**given, **values})


@pytest.fixture
def covers(cast: Cast) -> list[Component]:
    """Covers of three maintainers, the last of them nobody."""
    bodies_ = (cast.bodies["gardens"], cast.bodies["squad"], None)
    return [make(cast, 5 * number, maintainer=body) for number, body in enumerate(bodies_)]


@pytest.fixture
def give(cast: Cast):
    """Preview and ask, as the page does."""

    def send(body="water", role="maintainer", name="administrator_bai", fingerprint=None, **query):
        query = query or {"type": "C0103"}
        person = cast.people[name]
        seen = bodies_preview(user=person, query=query, role=role, body=body)
        return bodies_ask(
            actor=person,
            query=query,
            role=role,
            body=body,
            reason="移交养护",
            fingerprint=seen.fingerprint if fingerprint is None else fingerprint,
            now=NOW,
        )

    return send


def maintainers() -> list[str | None]:
    rows = Component.objects.filter(type__code="C0103").order_by("pk")
    return list(rows.values_list("maintainer__code", flat=True))


def refusal(call) -> DomainError:
    with pytest.raises(DomainError) as refused:
        call()
    return refused.value


def test_a_preview_counts_by_type_and_present_body(cast, covers):
    lamp = make(cast, 30, "C0118", maintainer=cast.bodies["water"])
    seen = bodies_preview(
        user=cast.supervisor_zhao, query={"class": "01"}, role="maintainer", body="water"
    )
    assert (seen.count, seen.changing) == (4, 3)
    told = {(type_.code, body.code if body else None, count) for type_, body, count in seen.groups}
    assert told == {
        ("C0103", "gardens", 1),
        ("C0103", "squad", 1),
        ("C0103", None, 1),
        ("C0118", "water", 1),
    }
    assert {row.code for row in seen.sample} == {*(cover.code for cover in covers), lamp.code}
    assert maintainers() == ["gardens", "squad", None]


def test_exactly_the_filter_gets_the_new_body_as_one_act(cast, covers, give):
    lamp = make(cast, 30, "C0118", maintainer=cast.bodies["gardens"])
    done = give()
    assert (done.state, done.changed_count) == ("done", 3)
    assert maintainers() == ["water"] * 3
    lamp.refresh_from_db()
    assert lamp.maintainer == cast.bodies["gardens"]
    events = Component.pgh_event_model.objects.select_related("pgh_context")
    assert {event.pgh_context_id for event in events} == {done.context}
    assert events[0].pgh_context.metadata == {
        "act": "bodies",
        "bodies": done.pk,
        "user": cast.administrator_bai.pk,
        "reason": "移交养护",
    }


def test_what_ended_keeps_its_body(covers, give):
    component_retire(actor=None, component_id=covers[0].pk, on=TODAY)
    assert give(type="C0103", use="all").changed_count == 2
    assert maintainers() == ["gardens", "water", "water"]


def test_owner_and_maintainer_can_be_taken_away_the_competent_body_cannot(covers, give):
    assert give(body="").changed_count == 2
    assert maintainers() == [None, None, None]
    assert "new_body" in refusal(lambda: give(body="", role="competent_body")).fields


def test_who_may_change_bodies(give, covers):
    for name in ("acceptor_wang", "head_shu", "leader_tang", "collector_chen", "root"):
        assert refusal(lambda name=name: give(name=name)).code == "role_refused"
    assert give(name="supervisor_zhao").state == "done"


def test_a_stale_preview_is_refused(cast, covers, give):
    query = {"type": "C0103"}
    seen = bodies_preview(
        user=cast.administrator_bai, query=query, role="maintainer", body="water"
    ).fingerprint
    make(cast, 40)
    stale = refusal(lambda: give(fingerprint=seen))
    assert (stale.code, stale.status) == ("stale_version", 409)
    assert maintainers() == ["gardens", "squad", None, None]


def test_one_that_left_and_one_that_came_are_noticed_though_the_number_is_the_same(
    cast, covers, give
):
    seen = bodies_preview(
        user=cast.administrator_bai, query={"type": "C0103"}, role="maintainer", body="water"
    ).fingerprint
    component_retire(actor=None, component_id=covers[2].pk, on=TODAY)
    make(cast, 40)
    assert refusal(lambda: give(fingerprint=seen)).code == "stale_version"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"role": "friend"}, "new_role"),
        ({"body": "nobody-knows"}, "new_body"),
        ({"body": "a\x00"}, "new_body"),
        ({"type": "C9999"}, "type"),
    ],
)
def test_what_means_nothing_is_refused(covers, give, values, field):
    assert field in refusal(lambda: give(**values)).fields


def test_nothing_to_change_is_said(covers, give):
    give()
    assert refusal(give).code == "not_possible"


def test_too_many_at_once_are_refused(covers, give, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_CHANGED", 2)
    assert refusal(give).status == 413


# ── many: a worker does it ────────────────────────────────────────────────────────────────────


@pytest.fixture
def few_at_once(monkeypatch):
    monkeypatch.setattr(bodies, "AT_ONCE", 1)


def test_many_wait_for_a_worker_who_does_them_once(few_at_once, covers, give):
    asked = give()
    assert (asked.state, maintainers()) == ("waiting", ["gardens", "squad", None])
    assert bodies_resume() == 1
    done = bodies_run(change_id=asked.pk, now=NOW)
    assert (done.state, done.changed_count) == ("done", 3)
    assert maintainers() == ["water"] * 3
    assert bodies_run(change_id=asked.pk, now=NOW) is None
    assert bodies_resume() == 0


def test_a_worker_refuses_what_changed_since_it_was_asked(few_at_once, covers, give):
    asked = give()
    component_update(actor=None, component_id=covers[0].pk, on=TODAY, maintainer=None)
    failed = bodies_run(change_id=asked.pk, now=NOW)
    assert failed.state == "failed"
    assert failed.failure
    assert maintainers() == [None, "squad", None]


# ── undone ────────────────────────────────────────────────────────────────────────────────────


def test_an_act_is_undone_by_another_that_leaves_later_changes_alone(cast, covers, give):
    done = give()
    component_update(
        actor=None, component_id=covers[1].pk, on=TODAY, maintainer=cast.bodies["sanitation"]
    )
    undone = bodies_undo(actor=cast.supervisor_zhao, change_id=done.pk, reason="移交有误", now=NOW)
    assert maintainers() == ["gardens", "sanitation", None]
    assert (undone.changed_count, undone.count) == (2, 3)
    done.refresh_from_db()
    assert done.state == "undone"
    for number in (done.pk, undone.pk):
        again = refusal(
            lambda number=number: bodies_undo(
                actor=cast.supervisor_zhao, change_id=number, reason="x", now=NOW
            )
        )
        assert again.code == "not_possible"


def test_undoing_needs_a_reason_and_a_post(cast, covers, give):
    done = give()
    for name, reason, code in (
        ("supervisor_zhao", " ", "missing_field"),
        ("acceptor_wang", "x", "role_refused"),
    ):
        call = refusal(
            lambda name=name, reason=reason: bodies_undo(
                actor=cast.people[name], change_id=done.pk, reason=reason, now=NOW
            )
        )
        assert call.code == code
    assert maintainers() == ["water"] * 3


def test_the_programs_own_role_may_do_and_undo_it(as_app_role, cast, covers, give):
    done = give()
    bodies_undo(actor=cast.supervisor_zhao, change_id=done.pk, reason="x", now=NOW)
    assert maintainers() == ["gardens", "squad", None]


# ── on the page ───────────────────────────────────────────────────────────────────────────────


def test_the_page_previews_does_and_undoes(cast, covers):
    browser = browser_of(cast.administrator_bai)
    query = {"type": "C0103", "new_role": "maintainer", "new_body": "water"}
    page = browser.get("/components/bodies/", query).text
    assert "3 of 3 components get another body" in page
    fingerprint = page.split('name="fingerprint" value="')[1].split('"')[0]
    sent = {**query, "fingerprint": fingerprint, "key": "a-key", "reason": ""}
    silent = browser.post("/components/bodies/", sent)
    assert (silent.status_code, maintainers()[0]) == (400, "gardens")
    done = browser.post("/components/bodies/", {**sent, "reason": "移交"})
    assert maintainers() == ["water"] * 3
    again = browser.post("/components/bodies/", {**sent, "reason": "移交"})
    assert again.url == done.url, "a double click does it once"
    stale = browser.post("/components/bodies/", {**sent, "reason": "移交", "key": "other"})
    assert stale.status_code == 409
    assert browser.post(done.url, {"reason": "有误"}).status_code == 302
    assert maintainers() == ["gardens", "squad", None]
    assert BodyChange.objects.count() == 2
