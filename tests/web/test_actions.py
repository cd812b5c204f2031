"""Acting through the pages: once, in order, with what was typed kept when it is refused."""

from __future__ import annotations

from uuid import uuid4

import pytest

from cases.models import Case, CaseEvent, StageLimit
from cases.workflow import State
from tests.cast import Story, photo_of


@pytest.fixture
def story(cast) -> Story:
    """A report of the collector, not yet accepted."""
    return Story(cast)


def state_of(story: Story) -> str:
    return Case.objects.values_list("state", flat=True).get(pk=story.case.pk)


def test_a_case_goes_the_whole_way_through_the_pages(cast, story, send):
    steps = [
        ("acceptor_wang", "accept", {"type": "E0102"}),
        ("supervisor_zhao", "file", {"standard": story.good_value("standard", "file", None)}),
        ("dispatcher_li", "dispatch", {"department": "sanitation", "reason": "属于环卫"}),
        ("clerk_sun", "sign", {}),
    ]
    for name, action, fields in steps:
        assert send(name, story, action, **fields).status_code == 302, action
    story.case.refresh_from_db()
    answers = {f"closing_answers_remark_{n}": "" for n in range(9)}
    done = send(
        "clerk_sun",
        story,
        "complete",
        photos=[photo_of(cast.clerk_sun)],
        note="已清理",
        closing_answers_count=len(story.case.closing_conditions),
        closing_answers_met=list(range(len(story.case.closing_conditions))),
        **answers,
    )
    assert done.status_code == 302
    assert send("acceptor_wang", story, "send_check", collector="collector_lin").status_code == 302
    checked = send("collector_lin", story, "check_pass", photos=[photo_of(cast.collector_lin)])
    assert checked.status_code == 302
    assert send("supervisor_zhao", story, "close").status_code == 302
    assert state_of(story) == State.CLOSED


def test_the_page_goes_back_to_the_desk_it_came_from(story, send):
    answer = send("acceptor_wang", story, "accept", type="E0102", next="/acceptance/?queue=handled")
    assert answer["Location"] == "/acceptance/?queue=handled"


def test_the_page_never_leads_to_another_site(story, send):
    answer = send("acceptor_wang", story, "accept", type="E0102", next="https://elsewhere.example/")
    assert answer["Location"] == f"/cases/{story.case.number}/"


def test_htmx_is_told_where_to_go(story, send):
    answer = send("acceptor_wang", story, "accept", type="E0102", next="/acceptance/", htmx=True)
    assert answer.status_code == 200
    assert answer["HX-Redirect"] == "/acceptance/"


def test_a_form_sent_twice_acts_once(story, send):
    key = str(uuid4())
    version = story.case.version
    for _time in range(2):
        answer = send("acceptor_wang", story, "accept", version=version, key=key, type="E0102")
        assert answer.status_code == 302
    assert CaseEvent.objects.filter(case=story.case, action="accept").count() == 1


def test_a_stale_page_gets_the_case_as_it_is_and_keeps_the_words(story, send):
    story.walk_to(State.HANDLING)
    stale = story.case.version
    story.act("recall", story.cast.dispatcher_li)
    answer = send("clerk_sun", story, "complete", version=stale, note="已更换井盖", htmx=True)
    assert answer.status_code in (403, 409)
    assert "已更换井盖" in answer.text
    assert "To dispatch" in answer.text
    assert state_of(story) == State.FILED


def test_a_stale_page_may_be_sent_again_at_the_new_version(story, send):
    story.walk_to(State.HANDLING)
    stale = story.case.version
    story.act("instruct", story.cast.leader_tang)
    fields = {"reason": "不属于本部门"}
    answer = send("clerk_sun", story, "request_return", version=stale, htmx=True, **fields)
    assert answer.status_code == 409
    assert f'name="version" value="{stale + 1}"' in answer.text
    assert "不属于本部门" in answer.text
    assert send("clerk_sun", story, "request_return", **fields).status_code == 302


def test_a_missing_answer_is_asked_for_and_the_rest_kept(story, send):
    story.walk_to(State.HANDLING)
    answer = send("clerk_sun", story, "complete", note="已清理完毕", htmx=True)
    assert answer.status_code == 400
    assert "已清理完毕" in answer.text
    assert "field-error" in answer.text
    assert state_of(story) == State.HANDLING


def test_an_open_closing_condition_is_refused_with_a_sentence(cast, story, send):
    story.walk_to(State.HANDLING)
    answer = send(
        "clerk_sun",
        story,
        "complete",
        photos=[photo_of(cast.clerk_sun)],
        note="已清理",
        closing_answers_count=len(story.case.closing_conditions),
        htmx=True,
    )
    assert answer.status_code == 400
    assert "Every closing condition must be met" in answer.text


@pytest.mark.parametrize("name", ["photos", "closing_answers_count"])
def test_a_number_of_thousands_of_digits_is_an_answer_that_is_missing(story, send, name):
    story.walk_to(State.HANDLING)
    answer = send("clerk_sun", story, "complete", note="已清理", **{name: "9" * 5000})
    assert answer.status_code == 400
    assert state_of(story) == State.HANDLING


def test_a_stage_without_a_limit_is_named_in_the_reader_s_words(story, send):
    StageLimit.objects.filter(clock="file").delete()
    answer = send("acceptor_wang", story, "accept", type="E0102", htmx=True)
    assert answer.status_code == 409
    assert "for the stage “Filing”" in answer.text


def test_another_role_is_refused_by_the_page(story, send):
    answer = send("clerk_sun", story, "accept", type="E0102")
    assert answer.status_code == 404  # the clerk does not see it yet
    assert send("inspector_he", story, "accept", type="E0102").status_code == 403
    assert state_of(story) == State.REPORTED


def test_an_unknown_action_and_an_unknown_case_look_the_same(story, page_of):
    client = page_of("acceptor_wang")
    assert client.get("/cases/20000101000001/").status_code == 404
    assert client.get("/cases/20000101000001/actions/accept/").status_code == 404
    answer = client.post(
        f"/cases/{story.case.number}/actions/paint/", {"version": 1, "key": str(uuid4())}
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "broken", [{"version": "x"}, {"version": "9" * 30}, {"key": ""}, {"key": "k" * 101}]
)
def test_a_form_without_version_or_key_is_no_form_of_ours(story, page_of, broken):
    data = {"version": 1, "key": str(uuid4())} | broken
    answer = page_of("acceptor_wang").post(f"/cases/{story.case.number}/actions/accept/", data)
    assert answer.status_code == 404
    assert state_of(story) == State.REPORTED


@pytest.mark.parametrize("junk", ["\x00", "🚧" * 3000, "9" * 5000, "<script>"])
def test_hostile_words_never_break_a_page(story, send, junk):
    story.walk_to(State.HANDLING)
    answer = send("clerk_sun", story, "request_return", reason=junk, htmx=True)
    assert answer.status_code in (200, 302, 400)
    assert "<script>" not in answer.text.replace("<script src", "")


def test_the_questions_open_as_a_page_and_as_a_fragment(story, page_of):
    client = page_of("acceptor_wang")
    address = f"/cases/{story.case.number}/actions/refuse/"
    page, fragment = client.get(address), client.get(address, headers={"HX-Request": "true"})
    assert "<html" in page.text
    assert "<html" not in fragment.text
    assert 'name="reason_code"' in fragment.text


def test_what_cannot_be_done_now_says_so(story, page_of):
    answer = page_of("acceptor_wang").get(f"/cases/{story.case.number}/actions/send_check/")
    assert answer.status_code == 409
    assert "You cannot do this now." in answer.text
