"""Acts on several cases: one audited act, a result a row, safe to send again."""

from __future__ import annotations

import re

import pytest

from cases.bulk.services import Line, cases_act
from cases.models import BulkAct, Case, CaseEvent
from cases.workflow import State
from common.errors import DomainError
from tests.cast import NOW, Story
from tests.web.test_routing_pages import form_of


@pytest.fixture
def to_close(cast) -> list[Story]:
    return [Story(cast, metres=40 * number).walk_to(State.CHECKED) for number in range(3)]


def test_one_act_is_kept_with_a_result_a_row(cast, page_of, to_close):
    client = page_of("supervisor_zhao")
    sent = form_of(client.get("/bulk/close/", {"case": [s.case.number for s in to_close]}))
    to_close[1].act("send_back", cast.supervisor_zhao)
    answer = client.post("/bulk/close/", sent, follow=True)
    assert "2 done, 1 refused" in answer.text
    assert "Somebody has changed this case" in answer.text
    act = BulkAct.objects.get()
    assert (act.actor, act.action) == (cast.supervisor_zhao, "close")
    assert [row["done"] for row in act.results].count(False) == 1
    events = CaseEvent.objects.filter(action="close").values_list("idempotency_key", flat=True)
    done = [row["number"] for row in act.results if row["done"]]
    assert sorted(events) == sorted(f"{act.key}:{number}" for number in done)
    assert page_of("leader_tang").get(f"/bulk/results/{act.pk}/").status_code == 404


def test_results_say_which_case_it_was_and_what_was_decided(cast, page_of):
    stories = [Story(cast, metres=40 * number).walk_to(State.ACCEPTED) for number in range(2)]
    first, second = (story.case.number for story in stories)
    client = page_of("supervisor_zhao")
    sent = form_of(client.get("/bulk/file/", {"case": [first, second]}))
    sent["case"].append("2026031699999")  # of another desk, or nobody's: not to be seen
    stories[1].act("send_back", cast.supervisor_zhao)
    page = client.post("/bulk/file/", sent, follow=True).text
    *refused, done = re.findall(r"<tr><td>.*?</tr>", page)
    assert len(refused) == 2
    changed, unseen = sorted(refused, key=lambda row: "99999" in row)
    for row, number, state in ((changed, second, "To accept"), (done, first, "To dispatch")):
        case = Case.objects.select_related("type").get(number=number)
        assert f'href="/cases/{number}/"' in row
        assert [word for word in (case.type.name_en, case.address, state) if word not in row] == []
    assert "Somebody has changed this case" in changed
    assert re.search(r"General · \d", done)
    assert "/cases/" not in unseen
    assert "2026031699999" in unseen


def test_sent_again_it_is_answered_alike_and_other_rows_need_another_key(cast, to_close):
    given = {"action": "close", "actor": cast.supervisor_zhao, "now": NOW, "key": "k"}
    lines = [Line(story.case.number, story.case.version) for story in to_close]
    first, second = (cases_act(**given, lines=lines) for _each in range(2))
    assert first.pk == second.pk
    assert second.done_count == 3
    with pytest.raises(DomainError) as refused:
        cases_act(**given, lines=lines[:2])
    assert refused.value.code == "key_reused"


def test_an_act_that_was_cut_off_is_finished_by_sending_it_again(cast, to_close):
    given = {"action": "close", "actor": cast.supervisor_zhao, "now": NOW, "key": "k"}
    lines = [Line(story.case.number, story.case.version) for story in to_close]
    cases_act(**given, lines=lines)
    BulkAct.objects.update(ended_at=None, results=[])  # the worker died before it said so
    assert cases_act(**given, lines=lines).done_count == 3
    assert CaseEvent.objects.filter(action="close").count() == 3


def test_filing_several_takes_each_cases_own_standard(cast, page_of):
    stories = [
        Story(cast, metres=40 * number, type_code=code).walk_to(State.ACCEPTED)
        for number, code in enumerate(("E0102", "E0104"))
    ]
    client = page_of("supervisor_zhao")
    sent = form_of(client.get("/bulk/file/", {"case": [s.case.number for s in stories]}))
    assert "2 done, 0 refused" in client.post("/bulk/file/", sent, follow=True).text
    for case in Case.objects.all():
        assert case.standard.type_id == case.type_id


def test_what_is_asked_once_goes_to_every_case_and_what_lacks_is_said(cast, page_of):
    stories = [Story(cast, metres=40 * number) for number in range(2)]
    client = page_of("acceptor_wang")
    sent = form_of(client.get("/bulk/refuse/", {"case": [s.case.number for s in stories]}))
    answer = client.post("/bulk/refuse/", sent, follow=True)
    assert "0 done, 2 refused" in answer.text
    assert "This is required." in answer.text
    sent |= {"key": ["k2"], "reason_code": ["duplicate"], "reply": ["已处理"]}
    assert "2 done, 0 refused" in client.post("/bulk/refuse/", sent, follow=True).text


def test_what_is_too_long_is_refused_and_not_left_out(cast, page_of):
    number = Story(cast).case.number
    client = page_of("acceptor_wang")
    sent = form_of(client.get("/bulk/refuse/", {"case": [number]}))
    sent |= {"reason_code": ["duplicate"], "reply": ["长" * 2001]}
    answer = client.post("/bulk/refuse/", sent, follow=True)
    assert "0 done, 1 refused" in answer.text
    assert "This text is too long" in answer.text
    assert Case.objects.get().state == State.REPORTED


def test_what_is_too_much_for_one_act_is_said_and_left(cast, page_of, monkeypatch):
    monkeypatch.setattr("cases.bulk.views.MOST_ASKED", 2)
    stories = [Story(cast, metres=40 * n).walk_to(State.ACCEPTED) for n in range(3)]
    client = page_of("supervisor_zhao")
    asked = client.get("/bulk/file/", {"case": [s.case.number for s in stories]})
    assert "1 more chosen case is too many at once" in asked.text
    assert "2 done, 0 refused" in client.post("/bulk/file/", form_of(asked), follow=True).text
    fits = client.get("/bulk/file/", {"case": [stories[-1].case.number]})
    assert "too many at once" not in fits.text


def test_the_bar_offers_what_the_readers_roles_may_do(cast, page_of):
    Story(cast).walk_to(State.DISPATCHED)
    page = page_of("clerk_sun").get("/inbox/").text
    assert 'formaction="/bulk/sign/"' in page
    assert page_of("clerk_sun").get("/bulk/close/").status_code == 403
    assert page_of("clerk_sun").get("/bulk/report/").status_code == 404


@pytest.mark.parametrize("version", ["", "²", "x"])
def test_a_row_that_does_not_say_what_was_seen_is_refused(cast, page_of, to_close, version):
    client = page_of("supervisor_zhao")
    sent = form_of(client.get("/bulk/close/", {"case": [s.case.number for s in to_close]}))
    sent[f"version-{to_close[0].case.number}"] = version
    answer = client.post("/bulk/close/", sent, follow=True)
    assert "2 done, 1 refused" in answer.text
    assert "Somebody has changed this case" in answer.text


def test_an_acceptor_accepts_several_and_what_is_in_doubt_is_not_ticked(cast, page_of):
    stories = [Story(cast, metres=40 * n, type_code=code) for n, code in enumerate(("E0102", None))]
    numbers = [story.case.number for story in stories]
    client = page_of("acceptor_wang")
    desk = client.get("/acceptance/").text
    assert all(f'name="case" value="{number}"' in desk for number in numbers)
    assert 'formaction="/bulk/accept/"' in desk
    assert 'formaction="/bulk/send_check/"' not in desk  # nothing waits for that in this queue
    asked = client.get("/bulk/accept/", {"case": numbers})
    assert re.findall(r'value="(\d+)" aria-label="Choose [^"]*" checked', asked.text) == numbers[:1]
    assert "its type is not known yet" in asked.text
    answer = client.post("/bulk/accept/", form_of(asked), follow=True)  # both, ticked or not
    assert "1 done, 1 refused" in answer.text
    states = dict(Case.objects.values_list("number", "state"))
    assert [states[number] for number in numbers] == [State.ACCEPTED, State.REPORTED]
