"""The dispatch desk with its reasons, several at once, and the pages about the rules."""

from __future__ import annotations

import re
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organisation
from cases.models import SubOrder
from cases.workflow import State
from common import clock
from components.models import CaseType
from dispatch.models import AutomaticType, PublishedRules, RoutingRule
from dispatch.routing.job import cases_route
from dispatch.routing.services import rules_publish
from tests.cast import NOW, Story
from tests.web.test_desks import count_of, late, rows_of

ADMIN = "admin:dispatch_routingrule_"


# ── the desk ──────────────────────────────────────────────────────────────────────────────────


def test_the_desk_says_why_and_where_the_last_ones_went(cast, page_of):
    Story(cast).walk_to(State.DISPATCHED)
    back = Story(cast, metres=4).walk_to(State.DISPATCHED)
    back.act("request_return", cast.clerk_sun)
    back.act("approve_return", cast.dispatcher_li)
    client = page_of("dispatcher_li")
    page = late(client, client.get("/dispatch/")).text
    assert "Answers for this trade in the whole city" in page
    assert "version 1" in page
    assert "The last ten like it went to:" in page
    assert "Returned before by" in page
    assert f"department={cast.bodies['sanitation'].code}" in page


def test_what_nobody_answers_for_has_a_queue_of_its_own(cast, page_of):
    story = Story(cast, type_code="E0204").walk_to(State.FILED)  # no body here enforces
    Story(cast, metres=5).walk_to(State.FILED)
    client = page_of("dispatcher_li")
    assert count_of(client.get("/dispatch/"), "nobody") == 0
    assert count_of(client.get("/dispatch/"), "filed") == 2  # it is nowhere else meanwhile
    cases_route(now=NOW)
    page = client.get("/dispatch/?queue=nobody")
    assert count_of(page, "nobody") == len(rows_of(page)) == 1
    assert story.case.number in page.text
    assert "No rule applies: nobody is known to answer for this here." in late(client, page).text
    assert count_of(page_of("dispatcher_xihu").get("/dispatch/"), "nobody") == 0


def test_an_organisation_that_is_gone_is_told_on_the_desk(cast, page_of):
    RoutingRule.objects.create(
        city=cast.city, code="water", name="供水", name_en="Water", position=1,
        lead_by="organisation", lead_organisation=cast.bodies["water"],
    )  # fmt: skip
    rules_publish(city=cast.city, actor=None, now=NOW)
    Organisation.objects.filter(code="water").update(is_active=False)
    Story(cast).walk_to(State.FILED)
    client = page_of("dispatcher_li")
    assert "which is no longer active" in late(client, client.get("/dispatch/")).text


@pytest.fixture
def three(cast) -> list[Story]:
    return [Story(cast, metres=4 * number).walk_to(State.FILED) for number in range(3)]


def form_of(page) -> dict[str, list[str]]:
    """Return what the page's form would send as it stands."""
    sent: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", page.text):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value:
            sent.setdefault(name[1], []).append(value[1])
    selects = re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page.text, re.S)
    for name, options in selects:
        chosen = re.search(r'value="([^"]*)" selected', options)
        sent[name] = [chosen[1] if chosen else ""]
    return sent


BULK = "/bulk/dispatch/"


def test_several_are_given_out_one_act_each_with_a_result_each(cast, page_of, three):
    client = page_of("dispatcher_li")
    numbers = [story.case.number for story in three]
    page = client.get(BULK, {"case": numbers})
    sent = form_of(page)
    sent[f"{numbers[1]}-department"] = ["gardens"]
    three[2].act("dispatch", cast.dispatcher_li, department="water")  # a colleague was quicker
    answer = client.post(BULK, sent, follow=True)
    assert "2 done, 1 refused" in answer.text
    assert answer.text.count("Refused:") == 1
    leads = {o.case.number: o for o in SubOrder.objects.select_related("case", "organisation")}
    assert [leads[n].organisation.code for n in numbers] == ["sanitation", "gardens", "water"]
    assert [leads[n].suggested.code for n in numbers] == ["sanitation"] * 3


def test_several_sent_twice_are_given_out_once_and_answered_alike(cast, page_of, three):
    client = page_of("dispatcher_li")
    sent = form_of(client.get(BULK, {"case": [s.case.number for s in three]}))
    first, second = (client.post(BULK, sent, follow=True).text for _each in range(2))
    assert "3 done, 0 refused" in first
    assert "3 done, 0 refused" in second
    assert SubOrder.objects.count() == 3


def test_of_several_only_what_the_own_desk_holds_is_offered_or_given(cast, page_of, three):
    numbers = [story.case.number for story in three]
    other = page_of("dispatcher_gongshu")
    assert "No case is chosen" in other.get(BULK, {"case": numbers}).text
    sent = form_of(page_of("dispatcher_li").get(BULK, {"case": numbers}))
    assert "0 done, 3 refused" in other.post(BULK, sent, follow=True).text
    assert not SubOrder.objects.exists()


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"key": "k" * 61},
        {"key": "\x00"},
        {"key": "k", "case": ["x", "9" * 30, "\x00"]},
        {"key": "k", "case": ["1"], "version-1": ["9" * 20], "1-department": ["water"]},
        {"key": "k", "case": ["1"], "version-1": ["1"], "1-department": ["\x00"]},
    ],
)
def test_an_odd_form_gives_nothing_out_and_is_no_fault(cast, page_of, three, sent):
    assert page_of("dispatcher_li").post(BULK, sent).status_code in (302, 400, 404)
    assert not SubOrder.objects.exists()


# ── the rules and how they do ─────────────────────────────────────────────────────────────────


def test_every_count_of_the_rules_opens_as_many_cases(cast, page_of, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    for number in range(2):
        Story(cast, metres=number).walk_to(State.DISPATCHED)
    other = Story(cast, metres=4).walk_to(State.FILED)
    other.act("dispatch", cast.dispatcher_li, department="gardens")
    client = page_of("dispatcher_li")
    page = client.get("/dispatch/rules/").text
    assert "Territory: street" in page
    assert "66.7%" in page
    links = re.findall(r'<a href="(/dispatch/rules/cases/[^"]*)">(\d+)</a>', page)
    assert len(links) >= 6
    for address, count in links:
        listed = client.get(address.replace("&amp;", "&"))
        assert listed.text.count('href="/cases/2026') >= int(count), address
    assert client.get("/dispatch/rules/cases/?part=x").status_code == 404
    assert client.get("/dispatch/rules/cases/?rule=%00").status_code == 404


def test_a_desk_sees_behind_a_count_only_its_own_cases(cast, page_of, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    story = Story(cast).walk_to(State.DISPATCHED)
    address = "/dispatch/rules/cases/?part=given_out"
    assert story.case.number in page_of("dispatcher_li").get(address).text
    assert story.case.number not in page_of("dispatcher_gongshu").get(address).text


# ── the administrator ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
def administrator(page_of):
    return page_of("administrator_bai")


def add_rule(client, **fields):
    sent = {
        "position": 5, "is_enabled": "on", "name": "夜间", "name_en": "At night", "code": "night",
        "lead_by": "organisation", "from_time": "22:00", "to_time": "06:00", "sources": "hotline",
        "cooperation-TOTAL_FORMS": 0, "cooperation-INITIAL_FORMS": 0, **fields,
    }  # fmt: skip
    return client.post(reverse(f"{ADMIN}add"), sent, follow=True)


def published_from(page) -> dict[str, str]:
    names = ("digest", "number")
    return {n: re.search(rf'name="{n}" value="([^"]*)"', page.text)[1] for n in names}


def test_an_administrator_edits_tries_and_publishes(cast, administrator):
    story = Story(cast, source="hotline").walk_to(State.FILED)
    listed = add_rule(administrator, lead_organisation=cast.bodies["water"].pk)
    assert "Hotline · 22:00-06:00" in listed.text
    page = administrator.get(reverse(f"{ADMIN}review"), {"cases": "1000"})
    assert "At night" in page.text
    assert "1 cases asked" in page.text
    assert "Publish the draft" in page.text
    odd = {**published_from(page), "number": "9" * 5000}
    assert (
        "edited or published"
        in administrator.post(reverse(f"{ADMIN}publish"), odd, follow=True).text
    )
    done = administrator.post(
        reverse(f"{ADMIN}publish"), {**published_from(page), "note": "夜\x00班"}, follow=True
    )
    assert "Version 2 holds from now on." in done.text
    rules = PublishedRules.objects.get(number=2)
    assert (rules.published_by, rules.note) == (cast.administrator_bai, "夜班")
    shown = administrator.get(reverse("admin:dispatch_publishedrules_change", args=[rules.pk]))
    assert "At night" in shown.text
    back = administrator.post(reverse(f"{ADMIN}take_back"), {"number": "1"}, follow=True)
    assert "The draft is as version 1 was." in back.text
    assert not RoutingRule.objects.filter(code="night").exists()
    assert story.case.state == "filed"


def test_what_the_system_gives_out_stands_where_the_rules_do(cast, administrator, page_of):
    add_rule(administrator, lead_organisation=cast.bodies["water"].pk, is_automatic="on")
    AutomaticType.objects.create(city=cast.city, type=CaseType.objects.get(code="C0118"))
    seen = administrator.get(reverse(f"{ADMIN}review"))
    administrator.post(reverse(f"{ADMIN}publish"), published_from(seen))
    version = PublishedRules.objects.latest("number")
    kept = administrator.get(reverse("admin:dispatch_publishedrules_change", args=[version.pk]))
    for page in (seen, kept, page_of("dispatcher_li").get("/dispatch/rules/")):
        assert "given out by the system" in page.text
        assert re.search(r"Types given out by the system.*?C0118 Street lamp", page.text, re.S)


def test_a_draft_somebody_else_changed_is_not_published(cast, administrator):
    add_rule(administrator, lead_organisation=cast.bodies["water"].pk)
    seen = published_from(administrator.get(reverse(f"{ADMIN}review")))
    RoutingRule.objects.filter(code="night").update(to_time="07:00")
    answer = administrator.post(reverse(f"{ADMIN}publish"), seen, follow=True)
    assert "edited or published meanwhile" in answer.text
    assert PublishedRules.objects.count() == 1


def test_what_is_wrong_with_a_draft_stands_before_it_is_published(cast, administrator):
    add_rule(administrator, lead_organisation=cast.bodies["water"].pk)
    add_rule(
        administrator,
        code="late",
        name_en="Late",
        position=6,
        lead_organisation=cast.bodies["gardens"].pk,
    )
    Organisation.objects.filter(code="gardens").update(is_active=False)
    page = administrator.get(reverse(f"{ADMIN}review")).text
    assert "“Late” is never reached: “At night” before it takes all its cases." in page
    assert "gardens is no longer active" in page
    assert "Publish the draft" not in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"lead_organisation": ""}, "exactly where the organisation named leads"),
        ({"lead_by": "owner"}, "exactly where the organisation named leads"),
        ({"to_time": ""}, "A time window needs two different times."),
        ({"to_time": "22:00"}, "A time window needs two different times."),
        ({"valid_from": "2026-05-01", "valid_to": "2026-05-01"}, "ends before it begins"),
        ({"sources": "pigeon"}, "pigeon"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_a_sentence(cast, administrator, fields, said):
    sent = {"lead_organisation": cast.bodies["water"].pk, **fields}
    assert said in add_rule(administrator, **sent).text
    assert not RoutingRule.objects.filter(code="night").exists()


def test_only_who_configures_the_city_sees_the_draft(cast, page_of):
    for name in ("dispatcher_li", "leader_tang"):
        assert page_of(name).get(reverse(f"{ADMIN}review")).status_code == 302
        assert page_of(name).post(reverse(f"{ADMIN}publish")).status_code == 302


# ── what the desk asks of the database ────────────────────────────────────────────────────────

QUERIES = {  # address: SQL queries however many wait; "": of the case that the page then fetches
    "/dispatch/": 5,
    "/dispatch/?queue=nobody": 5,
    "": 12,
    "/dispatch/rules/": 5,
    "/dispatch/rules/cases/": 5,
}


@pytest.mark.parametrize("address", QUERIES)
def test_a_page_of_the_desk_keeps_to_its_queries(cast, page_of, address):
    client = page_of("dispatcher_li")
    counts = []
    for first, last in ((0, 2), (2, 12)):
        for number in range(first, last):
            Story(cast, metres=number, type_code="E0204").walk_to(State.FILED)
        Story(cast, metres=30 + last).walk_to(State.DISPATCHED)
        cases_route(now=NOW)
        asked = (
            partial(late, client, client.get("/dispatch/"))
            if not address
            else partial(client.get, address)
        )
        asked()
        with CaptureQueriesContext(connection) as captured:
            assert asked().status_code == 200
        counts.append(len(captured))
    assert counts == [QUERIES[address]] * 2
