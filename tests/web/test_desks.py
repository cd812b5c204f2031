"""The desks: each queue shows what waits there, counts it, and offers what may be done."""

from __future__ import annotations

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.models import Case
from cases.queues import desk_cases
from cases.services import case_report
from cases.workflow import State
from tests.api.funds.conftest import build_funds
from tests.cast import NOW, Story
from tests.databases import filled


def late(client, page, part: str = "pane"):
    """Return what a desk's page fetches by itself, as its markup says."""
    addresses = re.findall(r'hx-get="([^"]*part=\w+[^"]*)"', page.text)
    address = next(html.unescape(each) for each in addresses if f"part={part}" in each)
    answer = client.get(address)
    assert answer.status_code == 200
    return answer


def rows_of(page) -> list[str]:
    return re.findall(r"data-queue-row[^>]*>", page.text)


def count_of(page, queue: str) -> int:
    tab = re.search(rf'href="\?queue={queue}".*?class="count">(.*?)</a>', page.text, re.S)
    return int(re.findall(r"\d+", re.sub(r"<[^>]*>", " ", tab.group(1)))[-1])


@filled("cast")
def case_of_every_state(cast) -> None:
    """One case in every open state, each at a place of its own."""
    for number, state in enumerate(
        (
            State.REPORTED,
            State.CONFIRMING,
            State.ACCEPTED,
            State.FILED,
            State.DISPATCHED,
            State.HANDLING,
            State.HANDLED,
            State.CHECKING,
            State.REWORK,
            State.CHECKED,
        )
    ):
        Story(cast, metres=10 * number).walk_to(state)


@pytest.fixture
def stories(case_of_every_state) -> dict[str, Story]:
    """Those cases, by state."""
    cases = Case.objects.order_by("pk")
    return {case.state: Story(case_of_every_state, case=case) for case in cases}


def test_the_acceptors_queues_hold_what_waits_for_an_acceptor(stories, page_of):
    client = page_of("acceptor_wang")
    page = client.get("/acceptance/")
    assert count_of(page, "reported") == len(rows_of(page)) == 1
    assert stories[State.REPORTED].case.number in page.text
    handled = client.get("/acceptance/?queue=handled")
    assert stories[State.HANDLED].case.number in handled.text
    assert "actions/send_check/" in handled.text


def test_a_confirmed_report_moves_to_its_own_queue(stories, page_of):
    story = stories[State.CONFIRMING]
    story.act("confirm", story.cast.collector_lin)
    page = page_of("acceptor_wang").get("/acceptance/?queue=confirmed")
    assert count_of(page, "confirmed") == 1
    assert count_of(page, "reported") == 1
    assert story.case.number in page.text


def test_the_report_shows_standards_with_deadlines_and_duplicates(cast, stories, page_of):
    Story(cast, metres=3)
    number = stories[State.REPORTED].case.number
    details = f"/acceptance/{number}/details/?type=E0102"
    page = page_of("acceptor_wang").get(details).text
    assert "Deadlines as if it were given out now." in page
    assert "Compare" in page


def test_choosing_a_type_brings_its_standards(stories, page_of):
    number = stories[State.REPORTED].case.number
    client = page_of("acceptor_wang")
    chosen = client.get(f"/acceptance/{number}/details/?type=C0103")
    assert "Storm" in chosen.text
    assert "<html" not in chosen.text
    unknown = client.get(f"/acceptance/{number}/details/?type=X9")
    assert unknown.status_code == 200
    assert "Choose the type first." in unknown.text


@pytest.mark.parametrize("text", ["井盖", "jinggai", "ysjg", "C0103", "0103"])
def test_a_type_is_found_by_name_pinyin_initials_and_code(cast, page_of, text):
    options = page_of("acceptor_wang").get("/types/", {"search": text})
    assert 'data-value="C0103"' in options.text


@pytest.mark.parametrize("text", ["", "zzzz", "'; drop table", "%", "井" * 500])
def test_an_odd_search_for_a_type_is_no_fault(cast, page_of, text):
    assert page_of("acceptor_wang").get("/types/", {"search": text}).status_code == 200


def test_the_dispatcher_sees_what_the_own_desk_holds(cast, stories, page_of):
    stories[State.FILED].act("hand_down", cast.dispatcher_li)
    own, other = (page_of(name).get("/dispatch/") for name in ("dispatcher_li", "dispatcher_xihu"))
    assert count_of(own, "filed") == 0
    assert count_of(other, "filed") == len(rows_of(other)) == 1
    assert count_of(own, "rework") == 1


def test_a_dispatcher_of_no_desk_has_no_cases(cast, page_of):
    Story(cast)  # no desk holds it yet
    cast.dispatcher_li.organisation = None
    cast.dispatcher_li.save()
    assert desk_cases(cast.dispatcher_li).count() == 0
    assert "Nothing waits here" in page_of("dispatcher_li").get("/dispatch/").text
    assert "Nothing waits here" in page_of("dispatcher_li").get("/dispatch/?q=路灯").text


def test_words_that_nothing_can_fit_leave_an_empty_list(stories, page_of):
    for name, desk in (("dispatcher_li", "dispatch"), ("clerk_sun", "inbox")):
        for words in ("独角兽跑道", "99999999999"):
            assert page_of(name).get(f"/{desk}/", {"q": words}).status_code == 200


def test_the_dispatch_desk_suggests_a_department_and_a_deadline(stories, page_of):
    client = page_of("dispatcher_li")
    page = late(client, client.get("/dispatch/")).text
    assert "Suggested" in page
    assert 'value="sanitation" selected' in page
    assert "handling falls due" in page


def test_the_inbox_holds_the_cases_of_the_own_department(stories, page_of):
    own, other = (page_of(name).get("/inbox/") for name in ("clerk_sun", "clerk_hua"))
    assert count_of(own, "open") == len(rows_of(own)) == 2
    assert count_of(own, "dispatched") == count_of(own, "handling") == 1
    assert count_of(other, "open") == 0
    assert "What the dispatch desk gives you appears here." in other.text


def test_what_closes_a_case_stands_in_the_inbox(stories, page_of):
    story = stories[State.HANDLING]
    page = page_of("clerk_sun").get(f"/inbox/?queue=handling&case={story.case.number}").text
    for condition in story.case.closing_conditions:
        assert condition in page
    assert "actions/complete/" in page


def test_a_failed_check_is_told_to_the_department(cast, stories, page_of):
    story = stories[State.REWORK]
    story.act("dispatch", cast.dispatcher_li)
    page = page_of("clerk_sun").get(f"/inbox/?case={story.case.number}").text
    assert "the check failed" in page
    assert "已处理" in page  # what the collector wrote


def test_the_supervisor_sees_every_stage_and_what_to_do(stories, page_of):
    page = page_of("supervisor_zhao").get("/supervision/").text
    assert stories[State.ACCEPTED].case.number in page
    assert stories[State.CHECKED].case.number in page
    assert "actions/file/?next=/supervision/" in page
    assert f"/cases/{stories[State.CHECKED].case.number}/actions/close/" in page  # one click


def test_a_leader_looks_on_and_decides_but_neither_files_nor_closes(cast, stories, page_of):
    stories[State.HANDLING].act("request_proxy", cast.clerk_sun)
    page, panel = page_of("leader_tang").get("/supervision/").text, "/supervision/panels/decisions/"
    assert "actions/file/" not in page
    assert "actions/approve_proxy/" in page_of("leader_tang").get(panel).text
    assert "actions/approve_proxy/" not in page_of("supervisor_zhao").get(panel).text


def test_a_figure_opens_the_list_behind_it(stories, page_of):
    client = page_of("supervisor_zhao")
    page = client.get("/supervision/").text
    shown = re.findall(r'href="(/cases/\?state=[a-z]+)"><b>(\d+)</b>', page)
    assert len(shown) > 8
    for address, figure in shown:
        rows = re.findall(r'<td><a class="figure" href="/cases/', client.get(address).text)
        assert len(rows) == int(figure), address


def test_collectors_see_their_own_tasks_alone(stories, page_of):
    own, other = (page_of(name).get("/tasks/").text for name in ("collector_lin", "collector_far"))
    for state in (State.CONFIRMING, State.CHECKING):
        assert stories[state].case.number in own
        assert stories[state].case.number not in other
    only = page_of("collector_lin").get("/tasks/?kind=check").text
    assert stories[State.CHECKING].case.number in only
    assert stories[State.CONFIRMING].case.number not in only


def test_a_task_offers_its_answers(stories, page_of):
    number = stories[State.CHECKING].case.number
    page = page_of("collector_lin").get(f"/tasks/{number}/").text
    assert "actions/check_pass/" in page
    assert "actions/check_fail/" in page
    assert page_of("collector_far").get(f"/tasks/{number}/").status_code == 404


REPORT = {"source": "collector", "description": "路边有一堆垃圾", "urgency": "normal", "key": "k1"}


def test_a_collector_reports_from_the_phone(cast, page_of):
    lon, lat = cast.place
    client = page_of("collector_chen")
    sent = {**REPORT, "longitude": lon, "latitude": lat, "type": "E0102"}
    for _time in range(2):  # the answer was lost, the form is sent again
        answer = client.post("/tasks/report/", sent)
        assert answer.status_code == 302
    assert cast.collector_chen.reported_cases.count() == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"longitude": 0, "latitude": 0}, "outside"),
        ({"description": "", "type": ""}, "Say what it is"),
        ({"type": "Z9999"[:5]}, "no such type"),
        ({"longitude": "here"}, "Enter a number"),
        ({"description": "长" * 2001}, "at most 2000"),
        ({"source": "leader"}, "leader"),
    ],
)
def test_a_bad_report_is_refused_in_words_and_kept(cast, page_of, change, sentence):
    lon, lat = cast.place
    sent = {**REPORT, "longitude": lon, "latitude": lat, "address": "古荡路口"} | change
    answer = page_of("collector_chen").post("/tasks/report/", sent)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert "古荡路口" in answer.text
    assert not cast.collector_chen.reported_cases.exists()


def test_a_call_is_taken_down_with_the_callers_number(cast, page_of):
    lon, lat = cast.place
    sent = {
        **REPORT,
        "source": "hotline",
        "longitude": lon,
        "latitude": lat,
        "reporter_phone": "13800000000",
        "reporter_name": "李女士",
    }
    answer = page_of("acceptor_wang").post("/acceptance/call/", sent)
    assert answer.status_code == 302
    case = cast.acceptor_wang.reported_cases.get()
    assert case.source == "hotline"


def test_the_list_is_filtered_on_both_sides(cast, stories, page_of):
    client = page_of("inspector_he")
    number = stories[State.HANDLING].case.number
    for query, is_shown in (
        ("state=handling", True),
        ("state=filed", False),
        ("type=E0102", True),
        ("type=C0103", False),
        ("department=sanitation", True),
        ("department=gardens", False),
        (f"q={number}", True),
        ("reported_after=2026-03-01", True),
        ("reported_after=2026-03-20", False),
    ):
        answer = client.get(f"/cases/?{query}", follow=True)
        assert answer.status_code == 200
        assert (number in answer.text) is is_shown, query


def test_a_whole_number_opens_its_case(stories, page_of):
    number = stories[State.HANDLING].case.number
    answer = page_of("inspector_he").get("/cases/", {"q": number})
    assert answer["Location"] == f"/cases/{number}/"


def test_an_unknown_filter_is_refused_with_a_sentence(cast, page_of):
    answer = page_of("inspector_he").get("/cases/?colour=red")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_pages_of_the_list_neither_repeat_nor_lose_a_case(cast, page_of):
    numbers = {
        case_report(
            actor=cast.collector_chen,
            source="collector",
            lon=cast.place[0],
            lat=cast.place[1],
            now=NOW,
            description=f"第 {index} 件",
        ).number
        for index in range(30)
    }
    client = page_of("inspector_he")
    seen: list[str] = []
    address = "/cases/"
    while address:
        page = client.get(address).text
        seen += re.findall(r'class="figure" href="/cases/(\d+)/"', page)
        following = re.search(r'href="(\?[^"]+)" rel="next"', page)
        address = f"/cases/{following.group(1).replace('&amp;', '&')}" if following else ""
    assert sorted(seen) == sorted(numbers)


@pytest.mark.parametrize("cursor", ["x", "🚧", "YWZ0ZXJ8MjAyNnwx", "a" * 2000])
def test_a_broken_cursor_is_the_first_page(cast, stories, page_of, cursor):
    answer = page_of("inspector_he").get("/cases/", {"cursor": cursor})
    assert answer.status_code == 200


def test_the_case_page_shows_exactly_the_actions_of_the_reader(stories, page_of):
    number = stories[State.HANDLING].case.number
    own, other = (
        page_of(name).get(f"/cases/{number}/").text for name in ("clerk_sun", "inspector_he")
    )
    assert "actions/complete/" in own
    assert "/actions/" not in other
    assert page_of("clerk_hua").get(f"/cases/{number}/").status_code == 404


def test_the_case_page_tells_the_whole_story(cast, page_of):
    story = Story(cast).walk_to(State.CLOSED)
    page = page_of("supervisor_zhao").get(f"/cases/{story.case.number}/").text
    for label in ("Accept", "File", "Dispatch", "Complete", "Check passed", "Close the case"):
        assert label in page
    assert story.case.history_head[:16] in page
    assert page.count('class="done"') == 7


def test_a_decision_somebody_waits_for_stands_before_other_acts(cast, stories, page_of):
    story = stories[State.HANDLING]
    story.act("request_return", cast.clerk_sun)
    page = page_of("dispatcher_li").get(f"/dispatch/?case={story.case.number}").text
    bar = page[page.index('class="action-bar"') :]
    assert bar.index("actions/approve_return/") < bar.index("actions/recall/")


def test_a_long_list_goes_on_where_it_was_and_ends(cast, page_of, monkeypatch):
    for number in range(5):
        Story(cast, metres=4 * number).walk_to(State.FILED)
    monkeypatch.setattr("dispatch.views.DISPATCH_DESK.size", 2)
    client = page_of("dispatcher_li")
    page = client.get("/dispatch/")
    seen, pages = [], [page]
    while "part=rows" in pages[-1].text:
        pages.append(late(client, pages[-1], "rows"))
    seen = [number for each in pages for number in re.findall(r'data-case="(\d+)"', each.text)]
    assert len(pages) == 3
    assert len(set(seen)) == len(seen) == count_of(page, "filed") == 5
    for nonsense in ("-1", "x", "²", "1" * 30):
        assert client.get(f"/dispatch/?part=rows&from={nonsense}").status_code == 404
    assert not re.findall("data-case", client.get("/dispatch/?part=rows&from=900").text)
    assert client.get("/dispatch/?part=pane&case=nothing").status_code == 404


def test_the_acceptors_queue_goes_on_and_a_report_opened_further_down_stays_in_sight(
    cast, page_of, monkeypatch
):
    for number in range(5):
        Story(cast, metres=40 * number)
    monkeypatch.setattr("cases.views.acceptance.ACCEPTANCE_DESK.size", 2)
    client = page_of("acceptor_wang")
    pages = [client.get("/acceptance/")]
    while "part=rows" in pages[-1].text:
        pages.append(late(client, pages[-1], "rows"))
    shown = [re.findall(r'data-queue-row="(\d+)"', each.text) for each in pages]
    numbers = [number for each in shown for number in each]
    assert [len(each) for each in shown] == [2, 2, 1]
    assert len(set(numbers)) == count_of(pages[0], "reported") == 5
    address = re.search(rf'href="([^"]*case={numbers[3]})"', pages[1].text)[1]
    opened = client.get(html.unescape(address)).text
    assert re.findall(r'data-queue-row="(\d+)"', opened) == numbers[2:4]
    assert "from=0" in opened
    assert client.get("/acceptance/?from=x").status_code == 404


@pytest.mark.parametrize(
    ("name", "address"), [("acceptor_wang", "/acceptance/"), ("dispatcher_li", "/dispatch/")]
)
def test_a_kept_address_of_a_queue_that_became_shorter_shows_its_beginning(
    cast, stories, page_of, name, address
):
    client = page_of(name)
    kept = client.get(f"{address}?from=900").text
    assert re.findall(r'data-case="(\d+)"', kept) == re.findall(
        r'data-case="(\d+)"', client.get(address).text
    )
    assert 'data-case="' in kept
    assert not re.search(r'href="[^"]*from=', kept)  # neither earlier nor further


# ── what the desks ask of the database ────────────────────────────────────────────────────────

QUERIES = {  # who opens which page: SQL queries however many cases there are
    ("acceptor_wang", "/acceptance/"): 8,
    ("supervisor_zhao", "/supervision/"): 9,
    ("clerk_sun", "/inbox/"): 6,
    ("acceptor_wang", "/cases/"): 7,
    ("collector_chen", "/tasks/"): 4,
    ("supervisor_zhao", "/cases/{number}/"): 10,
    ("clerk_sun", "/cases/{number}/"): 9,
}


@pytest.mark.parametrize(("name", "address"), QUERIES)
def test_a_desk_keeps_to_its_queries(cast, page_of, name, address):
    client, counts = page_of(name), []
    number = Story(cast).walk_to(State.HANDLING).case.number
    for first, last in ((1, 3), (3, 9)):
        for metres in range(first, last):
            Story(cast, metres=metres).walk_to(State.HANDLED)
            Story(cast, metres=40 + metres)
        client.get(address.format(number=number))
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address.format(number=number)).status_code == 200
        counts.append(len(captured))
    assert counts == [QUERIES[name, address]] * 2


UNUSUAL = {  # what happened to a case: a page of it asks no more than that of any other
    "supervision": (("order_supervision", "supervisor_zhao"),) * 3,
    "answered": (("order_supervision", "supervisor_zhao"), ("reply_supervision", "clerk_sun")),
    "instruction": (("instruct", "leader_tang"),),
    "extension": (("request_extension", "clerk_sun"),),
    "proxy": (("request_proxy", "clerk_sun"),),
    "proxy work": (("request_proxy", "clerk_sun"), ("approve_proxy", "leader_tang")),
    "everything": (
        ("order_supervision", "supervisor_zhao"),
        ("instruct", "leader_tang"),
        ("request_extension", "clerk_sun"),
        ("request_proxy", "clerk_sun"),
        ("approve_proxy", "leader_tang"),
    ),
}
MOST_QUERIES = 12


@pytest.mark.parametrize(
    "name", ["supervisor_zhao", "leader_tang", "dispatcher_li", "inspector_he"]
)
@pytest.mark.parametrize("unusual", UNUSUAL)
def test_the_page_of_an_unusual_case_asks_no_more(cast, page_of, monkeypatch, name, unusual):
    monkeypatch.setattr("common.clock.now", lambda: NOW)
    build_funds(cast)
    story = Story(cast).walk_to(State.HANDLING)
    for action, actor in UNUSUAL[unusual]:
        story.act(action, cast.people[actor])
    client, address = page_of(name), f"/cases/{story.case.number}/"
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    assert len(captured) <= MOST_QUERIES
