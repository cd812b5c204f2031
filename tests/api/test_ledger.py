"""The ledger: every filter keeps its rows and leaves the others; nothing counts all."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.services import case_report
from common.errors import DomainError
from common.rows import rows_estimate
from components.models import CaseType, Component
from components.register.filters import register_filter
from components.register.ledger import ORDERS, ledger_page, orders_for
from components.services import component_create, component_merge, component_retire
from grid.models import Area, BaseFeature
from tests.cast import NOW, Cast

TODAY = date(2026, 3, 16)


@pytest.fixture
def new_component(cast: Cast):
    """Enter a component near the usual place."""

    def make(metres: float = 0.0, code: str = "C0103", **values) -> Component:
        lon, lat = cast.near(metres)
        given = {
            "actor": None,
            "type": CaseType.objects.get(code=code),
            "geometry": Point(lon, lat, srid=4326),
            "competent_body": cast.bodies["water"],
            "on": TODAY,
        }
        return component_create(**{**given, **values})

    return make


@pytest.fixture
def codes(cast: Cast):
    """Return the codes a person finds with some filters, in the ledger's order."""

    def find(name: str = "acceptor_wang", ordering: str = "", **query: str) -> list[str]:
        narrowed = register_filter(cast.people[name], query)
        about = rows_estimate(narrowed.rows)
        rows, _page = ledger_page(narrowed, cursor="", ordering=ordering, about=about)
        return [row.code for row in rows]

    return find


# ── who sees what ─────────────────────────────────────────────────────────────────────────────

WHOLE_CITY = (
    "collector_far", "acceptor_wang", "supervisor_zhao", "dispatcher_gongshu", "clerk_hua",
    "head_shu", "squad_gao", "leader_tang", "inspector_he", "manager_ma", "administrator_bai",
)  # fmt: skip


def test_every_post_of_the_city_sees_the_whole_register(cast, codes):
    for name in WHOLE_CITY:
        assert codes(name) == [cast.component.code], name


def test_a_sharing_partner_sees_what_its_organisation_answers_for(cast, codes, new_component):
    partner = cast.bodies["partner"]
    own = [
        new_component(5, **{role: partner}) for role in ("competent_body", "owner", "maintainer")
    ]
    new_component(9)
    assert sorted(codes("partner_dong")) == sorted(each.code for each in own)


def test_without_a_post_nobody_sees_anything(cast, codes):
    assert codes("root") == []
    cast.acceptor_wang.is_active = False
    assert codes("acceptor_wang") == []


# ── filters: rows on both sides ───────────────────────────────────────────────────────────────


@pytest.fixture
def pair(new_component, cast):
    """Two components that differ in everything a filter asks for."""
    one = new_component(
        5,
        "C0103",
        maintainer=cast.bodies["water"],
        owner=cast.bodies["squad"],
        state="damaged",
        accuracy="A",
        surveyed_date=date(2025, 5, 1),
        name="一号井",
        address="古墩路 1 号",
    )
    other = new_component(
        20,
        "C0403",
        competent_body=cast.bodies["gardens"],
        maintainer=cast.bodies["gardens"],
        accuracy="C",
        surveyed_date=date(2025, 7, 1),
        address="文三路 9 号",
    )
    return one, other


KEPT = (  # which of the pair a filter keeps
    ({"class": "01"}, 0),
    ({"class": "04"}, 1),
    ({"type": "C0103"}, 0),
    ({"type": "c0403,C0118"}, 1),
    ({"state": "damaged"}, 0),
    ({"state": "intact", "class": "04"}, 1),
    ({"accuracy": "A"}, 0),
    ({"accuracy": "c"}, 1),
    ({"body": "water"}, 0),
    ({"body": "gardens", "role": "competent_body"}, 1),
    ({"body": "squad", "role": "owner"}, 0),
    ({"body": "none", "role": "owner", "class": "04"}, 1),
    ({"surveyed_from": "2025-06-01"}, 1),
    ({"surveyed_before": "2025-07-01", "surveyed_from": "2025-01-01"}, 0),
    ({"q": "ysjg"}, 0),
    ({"q": "雨水井盖"}, 0),
    ({"q": "0103"}, 0),
    ({"q": "gardens"}, 1),
    ({"q": "古墩路 1"}, 0),
    ({"q": "一号井"}, 0),
    ({"q": "文三路", "read_as": "words"}, 1),
    ({"q": "water"}, 0),
)


def test_a_filter_keeps_its_rows_and_leaves_the_others(codes, pair):
    for query, kept in KEPT:
        assert codes(**query) == [pair[kept].code], query


def test_an_area_keeps_what_stands_in_it(codes, pair):
    area = pair[0].community
    for level in ("community", "street", "district"):
        away = Area.objects.filter(level=level).exclude(pk=area.pk).first()
        assert len(codes(**{level: area.code})) == 3
        assert codes(**{level: away.code}) == []
        assert codes(q=area.name, read_as="area") == codes(**{level: area.code})
        area = area.parent


def test_a_road_keeps_what_stands_along_it(codes, cast, new_component):
    beside, away = new_component(20), new_component(80)
    lon, lat = cast.place
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO grid_basefeature (layer, kind, name, min_zoom, geometry) VALUES ('road',"
            " 'primary', '测试大道', 0, ST_Transform(ST_SetSRID(ST_MakeLine(ST_MakePoint(%s, %s),"
            " ST_MakePoint(%s, %s)), 4326), 3857))",
            [lon - 0.001, lat, lon + 0.001, lat],
        )
    for query in ({"road": "测试大道"}, {"q": "测试大道"}):
        found = codes(**query, type="C0103")
        assert beside.code in found
        assert away.code not in found
    assert BaseFeature.objects.filter(name="测试大道").exists()


def test_a_box_keeps_what_stands_in_it(codes, pair):
    lon, lat = pair[0].point.coords
    assert codes(bbox=f"{lon - 1e-5},{lat - 1e-5},{lon + 1e-5},{lat + 1e-5}") == [pair[0].code]


def test_the_beginning_of_a_code_finds_it(codes, pair):
    assert codes(q=pair[0].code[:12]) == [pair[0].code]
    assert codes(q=pair[1].code) == [pair[1].code]


def test_what_ended_is_shown_only_where_it_is_asked_for(codes, pair, cast):
    one, other = pair
    component_retire(actor=None, component_id=one.pk, on=TODAY)
    assert one.code not in codes()
    assert codes(use="ended") == [one.code]
    assert set(codes(use="all")) == {one.code, other.code, cast.component.code}
    assert codes(ending="retired", use="all") == [one.code]
    assert codes(ending="merged", use="all") == []


def test_open_cases_are_those_the_reader_may_see(codes, pair, cast):
    lon, lat = pair[0].point.coords
    case_report(
        actor=cast.collector_chen,
        source="collector",
        lon=lon,
        lat=lat,
        now=NOW,
        type_code="C0103",
        component_code=pair[0].code,
    )
    assert codes(open_cases="yes") == [pair[0].code]
    assert codes("collector_chen", open_cases="yes") == [pair[0].code]
    assert codes("clerk_hua", open_cases="yes") == []


MEANINGLESS = (
    ({"colour": "red"}, "colour"),
    ({"type": "C9999"}, "type"),
    ({"type": "E0102"}, "type"),
    ({"class": "99"}, "class"),
    ({"state": "fine"}, "state"),
    ({"use": "yes"}, "use"),
    ({"district": "999999"}, "district"),
    ({"body": "nobody-knows"}, "body"),
    ({"body": "water", "role": "friend"}, "role"),
    ({"accuracy": "Z"}, "accuracy"),
    ({"surveyed_from": "yesterday"}, "surveyed_from"),
    ({"surveyed_from": "2025-02-30"}, "surveyed_from"),
    ({"bbox": "1,2,3"}, "bbox"),
    ({"bbox": "120,31,119,30"}, "bbox"),
    ({"bbox": "nan,30,120,31"}, "bbox"),
    ({"road": "无此路"}, "road"),
    ({"q": "a"}, "q"),
    ({"q": "a\x00b"}, "q"),
    ({"q": "西湖", "read_as": "type"}, "q"),
    ({"open_cases": "maybe"}, "open_cases"),
)


def test_what_means_nothing_is_refused_with_its_name(codes, cast):
    for query, name in MEANINGLESS:
        with pytest.raises(DomainError) as refused:
            codes(**query)
        assert refused.value.code == "invalid"
        assert name in refused.value.fields, query


# ── orders and pages ──────────────────────────────────────────────────────────────────────────


def test_pages_follow_each_other_without_a_gap_or_a_repetition(cast, new_component):
    made = [new_component(metres, "C0103" if metres % 2 else "C0118") for metres in range(7)]
    narrowed = register_filter(cast.acceptor_wang, {"class": "01"})
    for ordering in ("place", "type", "code", "newest"):
        seen, cursor, back = [], "", ""
        while True:
            rows, page = ledger_page(narrowed, cursor=cursor, ordering=ordering, about=9, size=3)
            seen.append([row.code for row in rows])
            if not page.next:
                break
            cursor, back = page.next, seen[-1]
        assert sorted(code for rows in seen for code in rows) == sorted(c.code for c in made)
        rows, _page = ledger_page(
            narrowed, cursor=page.previous, ordering=ordering, about=9, size=3
        )
        assert [row.code for row in rows] == back


def test_an_order_that_would_walk_past_the_whole_register_is_not_offered(cast):
    big = 1_000_000
    area = register_filter(cast.acceptor_wang, {"district": "330106"})
    assert orders_for(area, big) == ("place",)
    assert "newest" in orders_for(area, 1_000)
    assert "surveyed" not in orders_for(area, 1_000)
    assert set(orders_for(register_filter(cast.acceptor_wang, {}), big)) == set(ORDERS) - {
        "surveyed"
    }
    with pytest.raises(DomainError) as refused:
        ledger_page(area, cursor="", ordering="code", about=big)
    assert "ordering" in refused.value.fields


def test_a_broken_cursor_means_the_first_page(cast):
    narrowed = register_filter(cast.acceptor_wang, {})
    for cursor in ("x", "e30", "WzEsMl0", "WyJhZnRlciIsInh4Il0", "4pyT"):
        rows, _page = ledger_page(narrowed, cursor=cursor, ordering="", about=9)
        assert [row.code for row in rows] == [cast.component.code]


# ── over the API ──────────────────────────────────────────────────────────────────────────────


def test_the_api_lists_the_register_page_by_page(acceptor, new_component):
    made = {new_component(metres).code for metres in range(3)}
    first = acceptor.get("components/", type="C0103", page_size=2).json()
    assert first["total"] == {"count": 3, "is_exact": True}
    second = acceptor.client.get(first["next"]).json()
    assert second["next"] is None
    assert {row["code"] for row in first["results"] + second["results"]} == made
    assert acceptor.client.get(second["previous"]).json()["results"] == first["results"]
    assert first["results"][0]["competent_body"]["code"] == "water"


def test_the_api_refuses_what_it_does_not_know(acceptor, assert_refused):
    for query in ({"page_size": "0"}, {"page_size": "1000"}, {"ordering": "name"}, {"x": "1"}):
        assert_refused(acceptor.get("components/", **query), 400, "invalid", *query)


def test_a_partner_does_not_find_what_is_not_theirs(api_of, cast, assert_refused):
    partner = api_of("partner_dong")
    assert partner.get("components/").json()["results"] == []
    assert_refused(partner.get(f"components/{cast.component.code}/"), 404, "not_found")


def test_the_api_tells_where_a_merged_component_is_now(acceptor, new_component):
    old, stays = new_component(0), new_component(3)
    component_merge(actor=None, component_id=old.pk, into_id=stays.pk, on=TODAY)
    record = acceptor.get(f"components/{old.code}/").json()
    assert (record["ending"], record["successor"]) == ("merged", stays.code)
    assert acceptor.get(f"components/{stays.code}/").json()["predecessors"] == [old.code]


def test_nothing_counts_the_register(acceptor, new_component):
    for metres in range(3):
        new_component(metres)
    with CaptureQueriesContext(connection) as captured:
        for query in ({}, {"type": "C0103", "page_size": "2"}, {"q": "井盖", "page_size": "1"}):
            assert acceptor.get("components/", **query).status_code == 200
    counting = [query["sql"] for query in captured if "COUNT(" in query["sql"].upper()]
    assert counting, "a small part is counted"
    assert all("LIMIT 1001" in sql for sql in counting)
