"""Filters under a name with live counts, shared in a team; columns; exports of what is filtered."""

from __future__ import annotations

import csv

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from accounts.models import SavedFilter
from accounts.saved_filters import PAGES, counts_of, filter_save
from cases.workflow import State
from common.errors import DomainError
from components.register.exports.services import export_path, export_run
from components.register.models import Export
from tests.cast import NOW, Story
from tests.web.test_desks import late


@pytest.fixture
def stories(cast) -> list[Story]:
    """Two to be accepted, of two types, and one given out."""
    return [
        Story(cast, type_code="E0102"),
        Story(cast, metres=40, type_code="E0104"),
        Story(cast, metres=80).walk_to(State.DISPATCHED),
    ]


def save(client, name: str, query: str, page: str = "cases", **more):
    return client.post(f"/filters/{page}/", {"name": name, "query": query, **more})


def chips(client, page: str = "cases") -> dict[str, str]:
    rows = client.get(f"/filters/{page}/").context["rows"]
    return {row["filter"].name: (row["text"], row["url"]) for row in rows}


def test_the_count_beside_a_filter_is_that_of_the_list_it_opens(stories, page_of):
    client = page_of("acceptor_wang")
    save(client, "待受理", "state=reported&cursor=x&q=")
    save(client, "暴露垃圾", "type=E0102")
    found = chips(client)
    assert [text for text, _url in found.values()] == [1 + 1, 2]
    for count, address in found.values():
        assert len(client.get(address).context["rows"]) == count, address
    assert "cursor" not in found["待受理"][1]


def test_colleagues_see_what_is_shared_and_nobody_else(cast, stories, page_of):
    client = page_of("acceptor_wang")
    save(client, "共用", "state=reported", is_shared="on")
    save(client, "自用", "state=filed")
    assert set(chips(page_of("acceptor_wu"))) == {"共用"}
    assert not chips(page_of("clerk_sun"))
    kept = SavedFilter.objects.get(name="共用")
    change = f"/filters/cases/{kept.pk}/delete/"
    assert page_of("acceptor_wu").post(change).status_code == 404
    client.post(f"/filters/cases/{SavedFilter.objects.get(name='自用').pk}/up/")
    assert list(chips(client)) == ["自用", "共用"]
    client.post(change)
    assert set(chips(client)) == {"自用"}


def test_every_list_counts_what_it_shows_in_one_query(cast, stories, page_of):
    for name, page, query, count in (
        ("clerk_sun", "inbox", "queue=dispatched", 1),
        ("clerk_sun", "inbox", "queue=open&type=E0104", 0),
        ("dispatcher_li", "dispatch", "queue=dispatched", 1),
        ("supervisor_zhao", "overdue", "light=red", 0),
        ("acceptor_wang", "ledger", "type=C0305", 1),
    ):
        person, place = cast.people[name], PAGES[page]
        given = {"owner": person, "page": place, "is_shared": False, "now": NOW}
        kept = filter_save(**given, name=query, query=QueryDict(query))
        with CaptureQueriesContext(connection) as queries:
            assert counts_of(person, place, [kept, kept], NOW) == [count, count], query
        assert len(queries) <= 4, [each["sql"][:80] for each in queries]


def test_what_no_list_understands_is_not_kept_and_what_went_stale_hurts_none(cast, page_of):
    client = page_of("acceptor_wang")
    for query, name in (("colour=red", "x"), ("state=flying", "x"), ("state=filed", " ")):
        assert save(client, name, query).status_code == 400
    assert not SavedFilter.objects.exists()
    save(client, "好", "state=filed")
    SavedFilter.objects.create(owner=cast.acceptor_wang, page="cases", name="旧", query="old=1")
    assert chips(client)["旧"][0] is None
    assert client.get("/filters/nothing/").status_code == 404


def test_a_desk_is_narrowed_by_type_and_words_and_its_tabs_count_alike(stories, page_of):
    client = page_of("clerk_sun")
    page = client.get("/inbox/?type=E0102")
    assert len(page.context["rows"]) == 1
    assert not client.get("/inbox/?type=E0104").context["rows"]
    choices = late(client, page, "filters").context["choices"]
    assert ("E0102", choices[0][2][0][1]) == choices[0][2][0]
    assert "type=E0102" in page.context["back"]


def test_the_reader_chooses_columns_by_address(stories, page_of):
    client = page_of("acceptor_wang")
    assert stories[0].case.cell_code not in client.get("/cases/").text
    assert stories[0].case.cell_code in client.get("/cases/?column=cell&column=state").text


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_an_export_holds_exactly_what_is_filtered(cast, stories, page_of, file_format, settings):
    client = page_of("clerk_sun")  # who sees one of the three
    asked = {"subject": "cases", "format": file_format, "type": "E0102"}
    assert client.post("/components/exports/", asked).status_code == 302
    export = Export.objects.get()
    export_run(export_id=export.pk)
    export.refresh_from_db()
    assert (export.state, export.row_count, export.subject) == ("done", 1, "cases")
    if file_format == "csv":
        raw = export_path(export).read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(raw.decode("utf-8-sig").splitlines()))
        assert rows[1][0] == stories[2].case.number
        assert len(rows[0]) == len(rows[1])
    answer = client.get(f"/components/exports/{export.pk}/file/")
    assert 'filename="cases-' in answer["Content-Disposition"]
    assert page_of("acceptor_wang").get(f"/components/exports/{export.pk}/file/").status_code == 404


def test_only_those_who_may_export_do(cast, stories, page_of):
    asked = {"subject": "cases", "format": "csv"}
    assert page_of("collector_chen").post("/components/exports/", asked).status_code == 403
    client = page_of("acceptor_wang")
    for odd in ({"subject": "people"}, {"format": "gpkg"}, {"state": "flying"}):
        assert client.post("/components/exports/", asked | odd).status_code in (400, 403)
    with pytest.raises(DomainError):
        filter_save(
            owner=cast.acceptor_wang,
            page=PAGES["cases"],
            name="x" * 41,
            query=QueryDict(""),
            is_shared=False,
            now=NOW,
        )
