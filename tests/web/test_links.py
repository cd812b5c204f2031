"""Contractors without an account: one link, one answer, nothing for anybody else."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cases.errors import ActionRefused, CaseNotFound
from cases.models import CaseClock, CaseEvent, CasePhoto
from cases.services.verify import case_verify
from cases.workflow import State
from common import clock
from common.errors import DomainError
from dispatch.links.selectors import LinkNotFound, contractor_rows, link_page
from dispatch.links.services import (
    AnswerStands,
    LinkOpen,
    answer_reject,
    contractor_add,
    contractor_switch,
    link_answer,
    link_revoke,
    link_send,
)
from dispatch.links.tokens import token_digest, token_new
from dispatch.models import Contractor, ContractorLink, LinkAnswer
from tests.cast import GRAY, NOW, Cast, Story, photo_of, picture
from tests.matrix.invariants import check_case
from tests.notices import read_log, rules_of, told

KEY = "form-0001"


@pytest.fixture(autouse=True)
def at_ten(monkeypatch):
    """The pages' clock stands at the moment of the stories."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def story(cast: Cast) -> Story:
    """Sanitation has signed a case that a citizen with a name and a number called in."""
    return Story(cast, source="hotline").walk_to(State.HANDLING)


@pytest.fixture
def crew(cast: Cast) -> Contractor:
    return contractor_add(
        actor=cast.clerk_sun, department=cast.bodies["sanitation"], name="净洁保洁", phone="0571-1"
    )


def send(story: Story, crew: Contractor, **changes) -> str:
    """Send a link and return its token."""
    given = {
        "actor": story.cast.clerk_sun,
        "task": "清运西侧垃圾",
        "days": 7,
        "now": NOW,
        **changes,
    }
    _link, token = link_send(case_id=story.case.pk, contractor=crew, **given)
    return token


def answer(token: str, key: str = KEY, outcome: str = "done", note: str = "已清运", **changes):
    uploads = changes.pop("uploads", [ContentFile(GRAY)])
    now = changes.pop("now", NOW)
    return link_answer(token=token, key=key, outcome=outcome, note=note, uploads=uploads, now=now)


def form(**changes) -> dict:
    photo = SimpleUploadedFile("photo.jpg", picture(colour="green"), "image/jpeg")
    return {"key": KEY, "outcome": "done", "note": "已清运", "photos": [photo], **changes}


@pytest.fixture
def visitor() -> Client:
    """Somebody without a log-in."""
    return Client(headers={"accept-language": "en"})


# ── the secret ────────────────────────────────────────────────────────────────────────────────


def test_only_a_digest_is_stored_and_no_two_tokens_are_the_same(story, crew):
    token = send(story, crew)
    link = ContractorLink.objects.get()
    assert link.token_digest == token_digest(token)
    stored = str(ContractorLink.objects.values().get()) + str(
        list(CaseEvent.objects.values("data", "text__content"))
    )
    assert token not in stored
    assert len({token_new() for _each in range(100)}) == 100


def test_unknown_revoked_expired_and_recalled_links_look_the_same(cast, story, crew, visitor):
    tokens = [send(story, crew)]
    link_revoke(case_id=story.case.pk, actor=cast.clerk_sun, now=NOW)
    tokens.append(send(story, crew))
    ContractorLink.objects.filter(ended_at=None).update(expires_at=NOW)
    tokens.append(send(story, crew))  # the expired one made room
    story.act("recall", cast.dispatcher_li)
    tokens += [token_new(), "short", "…" * 32]
    pages = [visitor.get(f"/l/{token}") for token in tokens]
    assert {page.status_code for page in pages} == {404}
    bodies = {
        re.sub(r'name="(csrfmiddlewaretoken|next)" value="[^"]*"', "", page.text) for page in pages
    }
    assert len(bodies) == 1
    for token in tokens:
        assert visitor.post(f"/l/{token}", form()).status_code == 404
    assert not LinkAnswer.objects.exists()


def test_who_tries_many_tokens_has_to_wait_and_learns_nothing(story, crew, visitor):
    good = send(story, crew)
    for _each in range(30):
        assert visitor.get(f"/l/{token_new()}").status_code == 404
    assert visitor.get(f"/l/{token_new()}").status_code == 429
    assert visitor.get(f"/l/{good}").status_code == 429
    other = Client(REMOTE_ADDR="203.0.113.9")
    assert other.get(f"/l/{good}").status_code == 200


# ── what the page shows ───────────────────────────────────────────────────────────────────────


def test_the_page_shows_the_work_and_nothing_of_who_reported(cast, story, crew, visitor):
    story.case.person = None
    page = visitor.get(f"/l/{send(story, crew)}")
    text = page.text
    assert page.status_code == 200
    for shown in ("清运西侧垃圾", story.case.address, story.case.number, "sanitation"):
        assert shown in text
    for hidden in ("路边有一堆垃圾", "acceptor_wang", "clerk_sun", "0571-1"):
        assert hidden not in text
    assert page["Referrer-Policy"] == "same-origin"
    assert "no-store" in page["Cache-Control"]
    assert ContractorLink.objects.get().opened_at == NOW


def test_photos_come_through_the_link_and_only_those_of_its_case(cast, crew, visitor):
    story = Story(cast).walk_to(State.HANDLING)
    CasePhoto.objects.create(
        case=story.case,
        photo_id=photo_of(cast.collector_chen),
        purpose="before",
        run=1,
        event_sequence=1,
    )
    shown, other = CasePhoto.objects.get().photo_id, photo_of(cast.collector_chen)
    token = send(story, crew)
    assert visitor.get(f"/l/{token}/photos/{shown}/small/").status_code == 200
    assert visitor.get(f"/l/{token}/photos/{other}/small/").status_code == 404
    assert visitor.get(f"/l/{token_new()}/photos/{shown}/small/").status_code == 404
    assert visitor.get(f"/photos/{shown}/small/").status_code == 302  # to the log-in


# ── the answer ────────────────────────────────────────────────────────────────────────────────


def test_an_answer_comes_back_and_the_department_completes_with_it(
    cast, story, crew, visitor, page_of
):
    rules_of(cast)
    token = send(story, crew)
    clocks = list(CaseClock.objects.filter(case=story.case).order_by("pk").values())
    assert visitor.post(f"/l/{token}", form()).status_code == 302
    assert "The department looks at it now" in visitor.get(f"/l/{token}").text
    assert list(CaseClock.objects.filter(case=story.case).order_by("pk").values()) == clocks
    event = CaseEvent.objects.get(case=story.case, action="answer_link")
    assert (event.role, event.actor, event.data["answer"]) == ("SYS", None, "done")
    assert event.text.content == {"note": "已清运"}
    read_log()
    assert told("link-answered") == [("clerk_sun", "link-answered")]
    clerk = page_of("clerk_sun")
    assert "已清运" in clerk.get(f"/inbox/?case={story.case.number}").text
    story.case.refresh_from_db()
    sent = {"action": "complete", "version": story.case.version}
    to = clerk.post(f"/links/{story.case.number}/", sent)["Location"]
    assert to.startswith(f"/cases/{story.case.number}/actions/complete/?")
    page = clerk.get(to).text
    assert "已清运" in page
    mine = re.findall(r'name="photos" value="(\d+)"', page)
    assert len(mine) == 1
    story.act("complete", cast.clerk_sun, photos=[int(mine[0])], note="已清运")
    assert story.case.state == State.HANDLED
    assert "has accepted your answer" in visitor.get(f"/l/{token}").text
    assert not list(case_verify(story.case))
    check_case(story.case.pk)


def test_the_same_form_sent_twice_is_one_answer(story, crew, visitor):
    token = send(story, crew)
    for _time in range(2):
        assert visitor.post(f"/l/{token}", form()).status_code == 302
    assert LinkAnswer.objects.count() == 1
    assert CaseEvent.objects.filter(action="answer_link").count() == 1
    with pytest.raises(AnswerStands):
        answer(token, key="another-form")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"photos": []}, "required"),
        ({"note": ""}, "required"),
        ({"outcome": ""}, "required"),
        ({"outcome": "maybe"}, "valid choice"),
        ({"note": "长" * 2001}, "at most 2000"),
        ({"key": "x"}, "valid value"),
        ({"photos": [SimpleUploadedFile("a.jpg", b"no picture")]}, "cannot be read"),
    ],
)
def test_what_is_missing_is_said_and_what_was_written_is_kept(
    story, crew, visitor, change, sentence
):
    answered = visitor.post(f"/l/{send(story, crew)}", form(**change))
    assert answered.status_code == 400
    assert sentence in answered.text
    if "note" not in change:
        assert "已清运" in answered.text
    assert not LinkAnswer.objects.exists()
    assert not CaseEvent.objects.filter(action="answer_link").exists()


def test_what_cannot_be_done_needs_a_reason_but_no_photo(story, crew):
    token = send(story, crew)
    taken = answer(token, outcome="cannot", note="路被施工围住", uploads=[])
    assert taken.outcome == "cannot"
    assert link_page(token=token, now=NOW).stage == "waiting"


def test_a_rejected_answer_opens_the_link_again(cast, story, crew, visitor):
    token = send(story, crew)
    answer(token)
    answer_reject(
        case_id=story.case.pk, actor=cast.head_qian, reason="墙角还有", now=NOW + timedelta(days=6)
    )
    page = visitor.get(f"/l/{token}").text
    assert "墙角还有" in page
    assert "Send the answer" in page
    answer(token, key="second-form", note="墙角已清")
    assert link_page(token=token, now=NOW + timedelta(days=12)).stage == "waiting"
    assert LinkAnswer.objects.filter(rejected_at=None).get().note == "墙角已清"
    with pytest.raises(DomainError):
        answer_reject(case_id=story.case.pk, actor=cast.clerk_hua, reason="无", now=NOW)


def test_an_answer_given_in_time_is_there_when_the_link_has_expired(cast, story, crew, page_of):
    token = send(story, crew)
    answer(token)
    ContractorLink.objects.update(expires_at=NOW)
    clerk, address = page_of("clerk_sun"), f"/links/{story.case.number}/"
    assert "已清运" in clerk.get(f"/inbox/?queue=answers&case={story.case.number}").text
    page = clerk.get(address).text
    assert "Complete with this answer" in page
    assert "Make the link" not in page
    story.case.refresh_from_db()
    sent = {"action": "complete", "version": story.case.version}
    assert "actions/complete/?" in clerk.post(address, sent)["Location"]


def test_every_rejection_gives_as_long_again_as_the_link_was_good_at_first(cast, story, crew):
    token = send(story, crew, days=7)
    for day in (6, 12, 18):
        at = NOW + timedelta(days=day)
        answer(token, key=f"form-of-{day}", now=at)
        answer_reject(case_id=story.case.pk, actor=cast.clerk_sun, reason="不净", now=at)
        assert ContractorLink.objects.get().expires_at == at + timedelta(days=7)


def test_a_case_that_moved_on_takes_no_answer(cast, story, crew):
    token = send(story, crew)
    story.act("complete", cast.clerk_sun)
    with pytest.raises(LinkNotFound):
        answer(token)


def test_a_case_at_rest_shows_so_and_takes_nothing(cast, story, crew, visitor):
    token = send(story, crew)
    story.act("request_suspension", cast.clerk_sun)
    story.act("approve_suspension", cast.dispatcher_li)
    story.act("approve_suspension", cast.leader_tang)
    assert "rests at the moment" in visitor.get(f"/l/{token}").text
    assert visitor.post(f"/l/{token}", form()).status_code == 404


# ── who may send ──────────────────────────────────────────────────────────────────────────────


def test_an_order_has_one_open_link(cast, story, crew):
    send(story, crew)
    with pytest.raises(LinkOpen) as refused:
        send(story, crew)
    assert "净洁保洁" in str(refused.value.message)
    link_revoke(case_id=story.case.pk, actor=cast.head_qian, now=NOW)
    send(story, crew)


def test_a_part_has_a_link_of_its_own(cast, crew):
    story = Story(cast).walk_to(State.FILED)
    story.act("dispatch", cast.dispatcher_li, cooperating=[{"organisation": "water"}])
    plumbers = contractor_add(
        actor=cast.clerk_shui, department=cast.bodies["water"], name="水务抢修"
    )
    send(story, crew)
    token = send(story, plumbers, actor=cast.clerk_shui)
    assert link_page(token=token, now=NOW).link.order.organisation == cast.bodies["water"]
    link_revoke(case_id=story.case.pk, actor=cast.clerk_shui, now=NOW)
    with pytest.raises(ActionRefused):  # not a contractor of the water company
        send(story, crew, actor=cast.clerk_shui)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("clerk_hua", CaseNotFound),  # another department
        ("dispatcher_gongshu", CaseNotFound),  # another district
        ("dispatcher_li", ActionRefused),  # gave it out: the department answers for how
        ("inspector_he", ActionRefused),
    ],
)
def test_nobody_but_who_has_the_order_sends_a_link(cast, story, crew, name, error):
    with pytest.raises(error):
        send(story, crew, actor=cast.people[name])
    assert not ContractorLink.objects.exists()


@pytest.mark.parametrize("change", [{"task": ""}, {"days": 0}, {"days": 31}, {"version": 1}])
def test_a_link_that_cannot_be_is_refused_and_nothing_is_left(story, crew, change):
    with pytest.raises(ActionRefused):
        send(story, crew, **change)
    assert not ContractorLink.objects.exists()
    assert not CaseEvent.objects.filter(action="send_link").exists()


# ── counts ────────────────────────────────────────────────────────────────────────────────────


def test_links_are_counted_for_each_contractor(cast, crew):
    late = timedelta(days=30)
    for number, (answered_at, is_rejected) in enumerate(
        ((NOW, False), (NOW, True), (NOW + late, False), (None, False))
    ):
        story = Story(cast, metres=number).walk_to(State.HANDLING)
        token = send(story, crew, days=30)
        ContractorLink.objects.update(expires_at=NOW + 2 * late)
        if answered_at:
            answer(token, now=answered_at)
        if is_rejected:
            answer_reject(case_id=story.case.pk, actor=cast.clerk_sun, reason="再来", now=NOW)
    row = contractor_rows(cast.bodies["sanitation"], NOW).get()
    figures = ("sent", "open", "answered", "in_time", "rejected")
    assert [row[name] for name in figures] == [4, 4, 3, 2, 1]
    assert not contractor_rows(cast.bodies["gardens"], NOW).exists()


def test_a_contractor_is_the_departments_own(cast, crew):
    with pytest.raises(LinkNotFound):
        contractor_switch(actor=cast.clerk_hua, contractor_id=crew.pk, is_active=False)
    with pytest.raises(ActionRefused):
        contractor_add(actor=cast.clerk_hua, department=cast.bodies["sanitation"], name="别人")
    story = Story(cast).walk_to(State.HANDLING)
    contractor_switch(actor=cast.clerk_sun, contractor_id=crew.pk, is_active=False)
    crew.refresh_from_db()
    with pytest.raises(ActionRefused):
        send(story, crew)
