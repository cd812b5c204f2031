"""Handing a duty over on its page, standing in for a session, and what comes of it on the desks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Delegation
from cases.models import CaseEvent
from cases.workflow import State
from common import clock
from evaluation.models import EvaluationPeriod
from tests.cast import NOW, Story


@pytest.fixture(autouse=True)
def at_ten(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def supervisors_page(page_of, cast):
    """The page of the supervisor who has handed the duty to an acceptor."""
    client = page_of("supervisor_zhao")
    local = timezone.localtime(NOW)
    sent = {
        "colleague": cast.acceptor_wang.pk,
        "roles": ["shift_supervisor"],
        "starts_at": f"{local:%Y-%m-%dT%H:%M}",
        "ends_at": f"{local + timedelta(hours=8):%Y-%m-%dT%H:%M}",
        "reason": "开会",
    }
    assert client.post("/duties/", sent, follow=True).status_code == 200
    return client


def stand_in(page_of, cast):
    client = page_of("acceptor_wang")
    answer = client.post(f"/duties/for/{cast.supervisor_zhao.pk}/")
    assert answer.url == "/supervision/"
    return client


def test_a_colleague_works_at_the_principals_desk_and_the_history_says_for_whom(
    cast, page_of, supervisors_page, send
):
    story = Story(cast).walk_to(State.CHECKED)
    assert page_of("acceptor_wang").get("/supervision/").status_code == 403
    client = stand_in(page_of, cast)
    page = client.get("/supervision/").text
    assert "You stand in for <b>supervisor_zhao</b>" in page
    sent = {"version": story.case.version, "key": "k"}
    client.post(f"/cases/{story.case.number}/actions/close/", sent)
    event = CaseEvent.objects.get(case=story.case, action="close")
    assert (event.actor, event.principal) == (cast.acceptor_wang, cast.supervisor_zhao)
    assert "for supervisor_zhao" in client.get(f"/cases/{story.case.number}/").text
    client.post("/duties/end/")
    assert client.get("/supervision/").status_code == 403


def test_once_taken_back_a_form_that_was_open_does_nothing(cast, page_of, supervisors_page):
    story = Story(cast).walk_to(State.CHECKED)
    client = stand_in(page_of, cast)
    supervisors_page.post(f"/duties/{Delegation.objects.get().pk}/take-back/")
    sent = {"version": story.case.version, "key": "k"}
    answer = client.post(f"/cases/{story.case.number}/actions/close/", sent)
    assert answer.status_code == 403
    assert "has ended or was taken back" in answer.text
    assert not CaseEvent.objects.filter(case=story.case, action="close").exists()
    assert client.get("/acceptance/").status_code == 200  # themselves again


def test_what_is_done_in_ones_own_name_is_refused_while_standing_in(
    cast, page_of, supervisors_page
):
    client = stand_in(page_of, cast)
    code = cast.component.code
    answer = client.post(f"/components/{code}/changes/change/", {"state": "damaged"})
    assert answer.status_code == 403
    assert "in your own name" in answer.text
    assert client.get(f"/components/{code}/").status_code == 200
    sent = {"kind": "retire", "proposed": {}, "reason": "x", "version": 0}
    for path in (f"{code}/changes", "changes/1/approve"):
        by_program = client.post(f"/api/v1/components/{path}/", sent, "application/json")
        assert (by_program.status_code, by_program.json()["code"]) == (403, "role_refused")
        assert "in your own name" in by_program.json()["message"]
    assert client.get(f"/api/v1/components/{code}/").status_code == 200
    refused = client.post("/evaluation/periods/open/", {"kind": "month", "day": "2026-02-01"})
    assert (refused.status_code, EvaluationPeriod.objects.count()) == (403, 0)
    assert "in your own name" in refused.text


def test_nobody_takes_back_or_stands_in_for_what_is_not_theirs(cast, page_of, supervisors_page):
    stranger = page_of("acceptor_wu")
    assert stranger.post(f"/duties/for/{cast.supervisor_zhao.pk}/").status_code == 403
    assert stranger.post(f"/duties/{Delegation.objects.get().pk}/take-back/").status_code == 404
    assert "Stand in for" not in stranger.get("/duties/menu/").text
    assert "Stand in for supervisor_zhao" in page_of("acceptor_wang").get("/duties/menu/").text


def test_an_administrator_sees_hands_over_and_takes_back(cast, page_of, supervisors_page):
    client = page_of("administrator_bai")
    assert "acceptor_wang" in client.get("/admin/accounts/delegation/").text
    day = timezone.localdate(NOW)
    sent = {
        "principal": cast.leader_tang.pk,
        "colleague": cast.acceptor_wu.pk,
        "role": "leader",
        "starts_at_0": day,
        "starts_at_1": "10:00",
        "ends_at_0": day,
        "ends_at_1": "18:00",
        "reason": "",
    }
    client.post("/admin/accounts/delegation/add/", sent)
    duty = Delegation.objects.get(principal=cast.leader_tang)
    assert duty.given_by == cast.administrator_bai
    chosen = {"action": "take_back", "_selected_action": [duty.pk]}
    client.post("/admin/accounts/delegation/", chosen)
    duty.refresh_from_db()
    assert duty.revoked_by == cast.administrator_bai
