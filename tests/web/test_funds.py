"""The pages of proxy work: what is offered goes through, what is sent twice is done once."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.workflow import State
from dispatch.funds.models import CostEntry, JournalEntry, ProxyWork, Quote
from dispatch.squads.models import Shift, SquadProfile
from tests.api.funds.conftest import YEAR, Funds, build_funds
from tests.cast import NOW, Cast, Story, photo_of


@pytest.fixture
def funds(cast: Cast, monkeypatch) -> Funds:
    """Return the funds of the small city; pages live at the tests' moment."""
    monkeypatch.setattr("common.clock.now", lambda: NOW)
    return build_funds(cast)


@pytest.fixture
def post(page_of):
    """Send a form of the funds as a person."""

    def send(name: str, address: str, key: str = "", **fields):
        return page_of(name).post(address, {"key": key or str(uuid4()), **fields})

    return send


def offered(page_of, name: str, work: ProxyWork) -> set[str]:
    """Return the actions on a work that the case page offers to a person."""
    page = page_of(name).get(f"/funds/cases/{work.case.number}/panel/").text
    return set(re.findall(rf"/funds/works/{work.pk}/(\w+)/", page)) | (
        {"quote"} if f"/funds/cases/{work.case.number}/quote/" in page else set()
    )


def act(post, name: str, work: ProxyWork, action: str, **fields):
    return post(name, f"/funds/works/{work.pk}/{action}/", **fields)


def test_a_work_goes_through_the_pages_each_step_offered_to_who_may_take_it(
    funds: Funds, cast, page_of, post
):
    work = funds.approved()
    people = ("dispatcher_li", "squad_gao", "leader_tang", "supervisor_zhao", "inspector_he")

    def now_offered() -> dict[str, set[str]]:
        found = {name: offered(page_of, name, work) for name in people}
        return {name: actions for name, actions in found.items() if actions}

    assert now_offered() == {
        "dispatcher_li": {"quote"},
        "squad_gao": {"quote"},
        "inspector_he": {"release"},
    }
    address = f"/funds/cases/{work.case.number}/quote/"
    assert post("squad_gao", address, bidder="squad", amount="2800", note="").status_code == 302
    assert now_offered()["dispatcher_li"] == {"quote", "accept"}
    assert now_offered()["leader_tang"] == {"accept"}
    quote = Quote.objects.get()
    answer = act(post, "dispatcher_li", work, "accept", quote=quote.pk, reason="")
    assert answer.status_code == 302, answer.content.decode()
    story = funds.story(work)
    story.act("sign", cast.squad_gao)
    story.act("complete", cast.squad_gao)
    assert now_offered() == {
        "dispatcher_li": {"cost"},
        "squad_gao": {"cost"},
        "inspector_he": {"release"},
    }
    answer = act(
        post,
        "squad_gao",
        work,
        "cost",
        items_name=["清运", "", "人工"],
        items_quantity=["2", "", ""],
        items_unit=["车", "", "工日"],
        items_price=["1,200.50", "", "300"],
        photos=[photo_of(cast.squad_gao)],
        note="",
    )
    assert answer.status_code == 302, answer.content.decode()
    cost = CostEntry.objects.get()
    assert (cost.amount_fen, cost.items.count()) == (270_100, 2)
    offers = now_offered()
    assert offers["supervisor_zhao"] == {"check", "return"}
    assert "check" not in offers.get("leader_tang", set())
    assert act(post, "supervisor_zhao", work, "check").status_code == 302
    assert "charge" not in now_offered().get("inspector_he", set())  # nobody has looked on site
    funds.found_good(work)
    assert now_offered()["inspector_he"] == {"charge"}
    assert act(post, "inspector_he", work, "charge").status_code == 302
    assert funds.figures == (1_000_000 - 270_100, 0, 270_100)
    assert now_offered() == {"inspector_he": {"recover"}}
    answer = act(
        post, "inspector_he", work, "recover", debtor="water", amount="2701", reason="权属查明"
    )
    assert answer.status_code == 302
    assert now_offered() == {"inspector_he": {"refund"}}
    assert act(post, "inspector_he", work, "refund", amount="2701.00", note="").status_code == 302
    assert now_offered() == {}
    page = page_of("leader_tang").get("/funds/").text
    assert "2,701.00" in page
    ledger = page_of("inspector_he").get(f"/funds/books/xihu/?case={work.case.number}").text
    assert ledger.count('id="entry-') == JournalEntry.objects.filter(work=work).count() == 5


def test_a_double_click_books_once_and_another_form_of_the_key_is_refused(funds, post):
    work = funds.checked()
    key = str(uuid4())
    answers = [act(post, "inspector_he", work, "charge", key=key) for _each in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert JournalEntry.objects.filter(work=work, kind="charge").count() == 1
    again = act(post, "inspector_he", work, "charge")  # a second click on an old page
    assert again.status_code == 409
    assert "already" in again.text
    budget = {"year": YEAR, "note": "追加", "key": str(uuid4())}
    address = "/funds/books/xihu/budget/"
    assert post("leader_tang", address, amount="1", **budget).status_code == 302
    assert post("leader_tang", address, amount="2", **budget).status_code == 409
    assert JournalEntry.objects.filter(kind="budget").count() == 2
    assert (
        post("leader_tang", address, amount="1", year=YEAR, note="x", key="k" * 101).status_code
        == 404
    )


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("12.345", "two decimals"),
        ("-1", "negative"),
        ("1e5", "Write an amount"),
        ("0", "above zero"),
    ],
)
def test_what_is_no_amount_is_said_beside_the_field_and_kept(funds, post, amount, said):
    work = funds.approved()
    address = f"/funds/cases/{work.case.number}/quote/"
    answer = post("squad_gao", address, bidder="squad", amount=amount, note="含清运")
    assert answer.status_code == 400
    assert said in answer.text
    assert f'value="{amount}"' in answer.text
    assert "含清运" in answer.text
    assert not Quote.objects.exists()


def test_hidden_and_missing_look_the_same(funds, cast, page_of, post):
    work = funds.quoted()
    rival = funds.offer(work, 10, by="dispatcher_li", bidder="rival")
    panel = f"/funds/cases/{work.case.number}/panel/"
    page = page_of("squad_gao").get(panel).text
    assert "2,800.00" in page
    assert "0.10" not in page  # what the rival would do it for
    assert f"/funds/books/{funds.xihu.code}/" not in page
    assert "fund-panel" not in page_of("clerk_sun").get(panel).text
    assert panel not in page_of("clerk_sun").get(f"/cases/{work.case.number}/").text
    for name in ("dispatcher_gongshu", "squad_ning"):
        for address in (f"/funds/works/{work.pk}/accept/", "/funds/works/999999/accept/"):
            assert page_of(name).get(address).status_code == 404, (name, address)
    for code in ("xihu", "nothing"):
        assert page_of("dispatcher_gongshu").get(f"/funds/books/{code}/").status_code == 404
    entry = JournalEntry.objects.filter(year__fund=funds.xihu).first()
    address = f"/funds/books/city/entries/{entry.pk}/reverse/"
    assert post("dispatcher_xihu", address, reason="x").status_code == 403
    assert rival.state == "offered"


def test_evidence_is_seen_by_who_sees_the_money_only(funds, cast, page_of):
    work = funds.completed()
    evidence = funds.enter(work).evidence.get()
    address = f"/funds/evidence/{evidence.pk}/small/"
    for name, status in (
        ("squad_gao", 200),
        ("supervisor_zhao", 200),
        ("dispatcher_li", 200),
        ("squad_ning", 404),
        ("collector_chen", 404),
        ("clerk_sun", 404),
    ):
        assert page_of(name).get(address).status_code == status, name
    assert page_of("squad_gao").get(f"/funds/evidence/{evidence.pk}/huge/").status_code == 404
    assert page_of("clerk_sun").get(f"/photos/{evidence.photo_id}/small/").status_code == 404


def test_the_ledger_is_filtered_and_the_export_holds_just_that(funds, cast, page_of):
    work = funds.checked()
    funds.charge(work)
    page = page_of("inspector_he")
    address = "/funds/books/xihu/"
    assert page.get(address).text.count('id="entry-') == 5
    for query, count in (
        ("kind=charge", 1),
        ("month=3", 5),
        ("month=4", 0),
        ("year=2025", 0),
        (f"case={work.case.number}", 3),
        ("kind=nonsense&month=99&year=x&cursor=%00", 5),
    ):
        shown = page.get(f"{address}?{query}")
        assert shown.status_code == 200
        assert shown.text.count('id="entry-') == count, query
        sent = page.get(f"{address}export/?{query}")
        rows = b"".join(sent.streaming_content).decode("utf-8-sig").splitlines()
        assert len(rows) == count + 1, query
    rows = b"".join(page.get(f"{address}export/?kind=charge").streaming_content).decode("utf-8-sig")
    assert work.case.number in rows
    assert "2750.00" in rows


def test_the_overview_counts_each_fund_and_takes_as_many_queries_for_many(funds, page_of):
    page = page_of("leader_tang")

    def count() -> int:
        page.get("/funds/")
        with CaptureQueriesContext(connection) as queries:
            assert page.get("/funds/").status_code == 200
        return len(queries)

    few = count()
    for each in range(4):
        funds.approved(metres=5 * each, estimate="10")
    funds.give(funds.city, 100, 50)
    assert count() == few
    text = page.get("/funds/").text
    assert "No budget was entered" not in text
    assert page.get("/funds/?year=2031").text.count("No budget was entered") == 2


def test_a_queue_of_works_takes_as_many_queries_for_many_rows(funds, page_of):
    page = page_of("inspector_he")

    def count(address: str) -> int:
        page.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert page.get(address).status_code == 200
        return len(queries)

    funds.approved(estimate="10")
    few = count("/funds/works/")
    for each in range(1, 5):
        funds.approved(metres=5 * each, estimate="10")
    assert count("/funds/works/") == few
    assert page.get("/funds/works/?queue=nothing").status_code == 404
    assert page.get("/funds/works/?queue=quote").text.count('class="figure" href="/cases/') == 5


def test_the_books_are_set_up_and_read_in_the_admin_but_not_written(funds, cast, page_of):
    admin = page_of("administrator_bai")
    threshold = admin.post(
        "/admin/dispatch/proxythreshold/add/",
        {
            "city": cast.city.pk,
            "from_yuan": "20000",
            "quote_count": 3,
            "accepted_by": "leader",
            "overrun_percent": 5,
        },
    )
    assert threshold.status_code == 302, threshold.text
    assert cast.city.proxythreshold_set.filter(from_fen=2_000_000).exists()
    for amount in ("20000", "1.005", "-1"):
        again = admin.post(
            "/admin/dispatch/proxythreshold/add/",
            {
                "city": cast.city.pk,
                "from_yuan": amount,
                "quote_count": 3,
                "accepted_by": "leader",
                "overrun_percent": 5,
            },
        )
        assert again.status_code == 200, amount
    entry = JournalEntry.objects.first()
    assert admin.get(f"/admin/dispatch/journalentry/{entry.pk}/change/").status_code == 200
    assert admin.post(f"/admin/dispatch/journalentry/{entry.pk}/change/", {}).status_code == 403
    assert admin.post(f"/admin/dispatch/journalentry/{entry.pk}/delete/").status_code == 403
    assert admin.get("/admin/dispatch/fund/").status_code == 200


def test_squads_show_who_is_on_duty_the_holes_and_how_quickly_they_came(
    funds, cast, page_of, monkeypatch
):
    work = funds.approved()
    story = funds.story(work)  # an hour later
    story.act("sign", cast.squad_gao)
    story.now += timedelta(hours=2)
    story.act("complete", cast.squad_gao)
    monkeypatch.setattr("common.clock.now", lambda: NOW + timedelta(hours=4))
    now = NOW + timedelta(hours=4)
    squad = SquadProfile.objects.create(organisation=cast.bodies["squad"], duty_phone="12319")
    Shift.objects.create(
        squad=squad,
        person=cast.squad_gao,
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=8),
    )
    page = page_of("supervisor_zhao").get("/funds/squads/").text
    row = page[page.index("squads/squad/") : page.index("squads/rival/")]
    assert "squad_gao" in row
    assert ">1</span>" in row  # one hole, after the shift
    assert "1 h" in row  # signed after one hour, completed after two more
    assert "2 h" in row
    assert "3 h" in row
    detail = page_of("squad_gao").get("/funds/squads/squad/")
    assert work.case.number in detail.text
    assert page_of("squad_gao").get("/funds/squads/rival/").status_code == 404
    assert page_of("squad_ning").get("/funds/squads/squad/").status_code == 404


def test_a_week_is_repeated_once_and_nobody_is_on_duty_twice(funds, cast, page_of):
    squad = SquadProfile.objects.create(organisation=cast.bodies["squad"])
    admin = page_of("administrator_bai")

    def repeat() -> str:
        sent = {"action": "copy_week", "_selected_action": [squad.pk]}
        return admin.post("/admin/dispatch/squadprofile/", sent, follow=True).text

    assert "There are no shifts this week" in repeat()
    Shift.objects.create(
        squad=squad, person=cast.squad_gao, starts_at=NOW, ends_at=NOW + timedelta(hours=12)
    )
    assert "1 shifts added" in repeat()
    assert "0 shifts added" in repeat()
    assert squad.shifts.count() == 2
    squad.shifts.filter(starts_at__gt=NOW).delete()
    Shift.objects.create(
        squad=squad,
        person=cast.squad_gao,
        starts_at=NOW + timedelta(days=7, hours=6),
        ends_at=NOW + timedelta(days=7, hours=7),
    )
    assert "on duty twice" in repeat()
    assert squad.shifts.count() == 2
    page = admin.get(f"/admin/dispatch/squadprofile/{squad.pk}/change/").text
    assert "squad_gao 03-16 10:00" in page  # in the city's time


def test_a_case_in_handling_shows_no_panel_where_no_proxy_was_asked_for(funds, cast, page_of):
    story = Story(cast).walk_to(State.HANDLING)
    number = story.case.number
    panel = f"/funds/cases/{number}/panel/"
    assert panel not in page_of("leader_tang").get(f"/cases/{number}/").text
    assert "fund-panel" not in page_of("leader_tang").get(panel).text
    story.act("request_proxy", cast.clerk_sun)
    assert panel in page_of("leader_tang").get(f"/cases/{number}/").text
    page = page_of("leader_tang").get(panel).text
    assert "fund-panel" in page
    assert "3,000.00" in page
