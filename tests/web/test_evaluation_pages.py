"""Evaluation's pages: every figure opens exactly its cases, and only to those who may see them."""

from __future__ import annotations

import html
import random
import re
from datetime import timedelta
from io import BytesIO
from itertools import cycle

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from cases.models import CaseClock
from cases.workflow import State
from common import clock
from evaluation.models import (
    ComparisonGroup,
    ComparisonMember,
    EvaluationPeriod,
    EvaluationPolicy,
)
from evaluation.periods import Period
from evaluation.selectors.standings import standings
from evaluation.services.facts import READER
from live.readers import reader_run
from live.services import events_sequence
from tests.cast import NOW, Story

HOUR = timedelta(hours=1)
MARCH = "period=month&day=2026-03-16"


def figures_on(page) -> list[str]:
    """Return the addresses of every figure that opens cases."""
    found = re.findall(r'<a href="([^"]*)" data-figure', page.text)
    return [html.unescape(address) for address in found]


def lists_of(drawer) -> list[tuple[str, int]]:
    pattern = r'href="([^"]*)" data-list="\w+" data-count="(\d+)"'
    return [(html.unescape(url), int(count)) for url, count in re.findall(pattern, drawer.text)]


def entries(client, address: str) -> int:
    """Walk through all pages of a list; returns how many entries they show."""
    count = 0
    while address:
        page = client.get(address)
        assert page.status_code == 200, address
        count += page.text.count("<tr data-entry>")
        more = re.search(r'href="([^"]*)" rel="next"', page.text)
        address = f"/evaluation/cases/{html.unescape(more.group(1))}" if more else ""
    return count


def test_fifty_figures_open_lists_with_exactly_that_many_cases(busy_month, page_of):
    client = page_of("leader_tang")
    kinds = ("district", "street", "cell", "department", "contractor", "acceptor", "collector")
    figures = [
        address
        for kind in kinds
        for address in figures_on(client.get(f"/evaluation/?{MARCH}&kind={kind}"))
    ]
    opened = 0
    for address in random.Random(7).sample(figures, min(len(figures), 60)):
        if opened >= 50:
            break
        drawer = client.get(f"/evaluation/figure/{address}")
        assert drawer.status_code == 200, address
        for url, count in lists_of(drawer):
            assert entries(client, url) == count, url
            opened += 1
    assert opened >= 50


def test_above_and_failing_add_to_what_is_below_the_line(busy_month, page_of):
    client = page_of("leader_tang")
    for indicator in ("finished_in_time_rate", "handling_in_time_rate", "closed_rate"):
        drawer = client.get(f"/evaluation/figure/?{MARCH}&kind=district&indicator={indicator}")
        counts = {
            side: int(count)
            for side, count in re.findall(r'data-list="(\w+)" data-count="(\d+)"', drawer.text)
        }
        assert counts["above"] + counts["failing"] == counts["below"] > 0, indicator
        assert counts["failing"] > 0, indicator


def test_bars_of_handling_times_add_to_what_was_handled_and_open_it(busy_month, page_of):
    client = page_of("leader_tang")
    page = client.get(f"/evaluation/?{MARCH}&kind=department")
    bars = re.findall(r'href="([^"]*)" data-bar="(\d+)"', page.text)
    assert bars
    for url, count in bars:
        assert entries(client, html.unescape(url)) == int(count)
    handled = client.get(f"/evaluation/figure/?{MARCH}&kind=department&indicator=handled")
    assert sum(int(count) for _url, count in bars) == lists_of(handled)[0][1]


def test_a_share_of_many_times_all_is_drawn(cast, page_of):
    """What was reported one day is filed the next, when hardly anything is reported."""
    for number in range(23):
        story = Story(cast, metres=number).walk_to(State.ACCEPTED)
        story.now += 24 * HOUR
        story.act("file", cast.supervisor_zhao)
    Story(cast, metres=50, now=NOW + 24 * HOUR)
    events_sequence()
    reader_run(reader=READER, now=NOW)
    query = "kind=collector&period=day&day=2026-03-17&indicator=effective_rate"
    assert "2300.0%" in page_of("leader_tang").get(f"/evaluation/?{query}").text


NONSENSE = (
    "",
    "x",
    "²",
    "-1",
    "99",
    "9" * 40,
    "0001-01-01",
    "9999-12-31",
    "2026-02-30",
    "\0",
    "all",
)


@pytest.mark.parametrize(
    "name", ["kind", "period", "day", "within", "object", "indicator", "side", "bar", "page"]
)
def test_nonsense_in_an_address_is_never_an_error_of_ours(busy_month, page_of, name):
    client = page_of("leader_tang")
    usual = {"kind": "department", "period": "month", "day": "2026-03-16", "indicator": "handled"}
    pages = cycle(("", "figure/", "cases/"))  # they read an address by the same rules
    for value, page in zip(NONSENSE, pages, strict=False):
        answer = client.get(f"/evaluation/{page}", usual | {name: value})
        assert answer.status_code in (200, 400, 404), (page, name, value)


def test_a_department_sees_its_group_and_opens_only_its_own_cases(busy_month, page_of):
    own, other = busy_month.bodies["sanitation"].pk, busy_month.bodies["gardens"].pk
    client = page_of("head_qian")
    page = client.get(f"/evaluation/?{MARCH}")
    assert "sanitation" in page.text
    opened = {re.search(r"object=(\d+)", address).group(1) for address in figures_on(page)}
    assert opened == {str(own)}
    wanted = f"{MARCH}&kind=department&indicator=handled&side=above&object="
    assert client.get(f"/evaluation/cases/?{wanted}{own}").status_code == 200
    assert client.get(f"/evaluation/cases/?{wanted}{other}").status_code == 404
    assert client.get(f"/evaluation/cases/?{wanted}").status_code == 404, "not all together"
    assert client.get(f"/evaluation/?{MARCH}&kind=collector").status_code == 404
    drawer = client.get(f"/evaluation/figure/?{wanted}{other}")
    assert drawer.status_code == 200
    assert not lists_of(drawer)


def test_a_department_of_another_group_is_not_in_the_ranking(busy_month, page_of):
    group = ComparisonGroup.objects.create(code="green", name="绿化", name_en="Green")
    ComparisonMember.objects.create(group=group, organisation=busy_month.bodies["gardens"])
    page = page_of("head_qian").get(f"/evaluation/?{MARCH}")
    assert "sanitation" in page.text
    times = re.search(r"\d+ handled · median [^<]*", page.text)[0]
    other = busy_month.bodies["gardens"].pk
    named = page_of("head_qian").get(f"/evaluation/?{MARCH}&object={other}")
    assert times in named.text, "how long others took is not told by their key"
    assert "gardens" not in page.text
    hidden = f"{MARCH}&kind=department&object={busy_month.bodies['gardens'].pk}&indicator=handled"
    assert page_of("head_qian").get(f"/evaluation/figure/?{hidden}").status_code == 404


def test_a_contractors_manager_sees_its_own_collectors_only(busy_month, page_of):
    page = page_of("manager_ma").get(f"/evaluation/?{MARCH}&kind=collector")
    assert "collector_lin" in page.text
    assert "collector_far" not in page.text


def asked(queries) -> str:
    return "\n".join(query["sql"][:120] for query in queries)


def test_a_page_asks_the_database_fifteen_times_at_most_however_many_objects(busy_month, page_of):
    client = page_of("leader_tang")
    for kind in ("street", "cell", "department", "collector"):
        address = f"/evaluation/?{MARCH}&kind={kind}"
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        assert len(queries) <= 15, asked(queries)
        figure = figures_on(client.get(address))[0]
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/evaluation/figure/{figure}")
        assert len(queries) <= 15, asked(queries)


@pytest.mark.parametrize(
    "query",
    [
        "kind=nothing&period=never&day=2026-99-99&within=x&object=-1&indicator=none",
        "kind=street&within=330106&period=year&day=9999-12-31",
        "kind=cell&period=quarter&day=0001-01-01",
        "kind=community&within=%00&object=99999999999999999999",
    ],
)
def test_an_address_with_nonsense_shows_what_is_usual(busy_month, page_of, query):
    assert page_of("leader_tang").get(f"/evaluation/?{query}").status_code == 200


# ── the workbook ──────────────────────────────────────────────────────────────────────────────


class Sheets:
    """A spreadsheet's formulas, computed by the few functions the workbook uses."""

    def __init__(self, book) -> None:
        self.book = book
        self.known: dict[str, object] = {}

    def value(self, address: str):
        if address not in self.known:
            self.known[address] = self.read(address)
        return self.known[address]

    def read(self, address: str):
        sheet, _mark, cell = address.rpartition("!")
        found = self.book[sheet or "Ranking"][cell.replace("$", "")].value
        if not (isinstance(found, str) and found.startswith("=")):
            return "" if found is None else found
        return self.compute(found[1:])

    def compute(self, formula: str):
        formula = formula.replace('&""', "")
        formula = re.sub(r'">"&([A-Z]+\d+)', r'(">", \1)', formula)
        formula = re.sub(r"([A-Z])\$(\d+):[A-Z]\$(\d+)", r'R("\1",\2,\3)', formula)
        pattern = r'("[^"]*")|((?:[A-Za-z]+!)?\b[A-Z]{1,2}\d+\b)'
        code = re.sub(pattern, lambda m: m[1] or f'V("{m[2]}")', formula)
        return eval(code, {"__builtins__": {}}, self.functions())

    def functions(self):
        def is_number(value):
            return isinstance(value, int | float)

        def count_ifs(*pairs):
            rows = zip(*pairs[::2], strict=True)
            return sum(
                all(fits(v, w) for v, w in zip(row, pairs[1::2], strict=True)) for row in rows
            )

        def fits(value, wanted):
            if isinstance(wanted, tuple):
                return is_number(value) and value > wanted[1]
            return value == wanted

        return {
            "V": self.value,
            "R": lambda c, a, b: [self.value(f"{c}{n}") for n in range(a, b + 1)],
            "IF": lambda test, yes, no: yes if test else no,
            "AND": lambda *tests: all(tests),
            "N": lambda value: value if is_number(value) else 0,
            "ISNUMBER": is_number,
            "MIN": min,
            "MAX": max,
            "ROUND": round,
            "COUNTIFS": count_ifs,
        }


@pytest.mark.parametrize("kind", ["street", "department", "cell", "collector"])
def test_the_workbooks_formulas_give_the_scores_grades_and_ranks_of_the_page(
    busy_month, page_of, kind
):
    client = page_of("leader_tang")
    answer = client.get(f"/evaluation/export.xlsx?{MARCH}&kind={kind}")
    sheets = Sheets(load_workbook(BytesIO(answer.content)))
    found = standings(kind, period=Period.of("month", NOW.date()), now=clock.now())
    shown = {}
    for row in range(2, min(sheets.book["Ranking"].max_row, 40) + 1):
        values = [sheets.value(f"{column}{row}") for column in "BAED"]
        shown[values[0]] = values[1:]
    assert shown
    checked = 0
    for row in found.rows:
        if row.name in shown or row.name_en in shown:
            rank, score, grade = shown.get(row.name_en) or shown[row.name]
            place = row.place
            assert (rank or None, grade) == (place.rank, place.score.grade), row.name
            total = place.score.total
            assert score == ("" if total is None else pytest.approx(float(total))), row.name
            checked += 1
    assert checked == len(shown)


def test_a_ranking_is_printed_in_both_languages(busy_month, page_of):
    client = page_of("leader_tang")
    for language in ("en", "zh-hans"):
        printed = client.get(
            f"/evaluation/export.pdf?{MARCH}", headers={"accept-language": language}
        )
        assert printed.content.startswith(b"%PDF")
    assert client.get(f"/evaluation/export.doc?{MARCH}").status_code == 404


# ── a period is closed on its page, and read as it was frozen ─────────────────────────────────


def published(inspector, leader) -> None:
    """Close the month on its page."""
    inspector.post("/evaluation/periods/open/", {"kind": "month", "day": "2026-03-16"})
    held = EvaluationPeriod.objects.get()
    inspector.post(f"/evaluation/periods/{held.pk}/check/")
    held.refresh_from_db()
    leader.post(f"/evaluation/periods/{held.pk}/publish/", {"sha256": held.sha256})


def test_a_districts_desk_opens_no_other_districts_late_cases_of_a_published_month(
    busy_month, page_of
):
    published(page_of("inspector_he"), page_of("leader_tang"))
    late = CaseClock.objects.filter(kind="whole", stopped_at=None).first().case
    wanted = f"{MARCH}&kind=street&object={late.street_id}&indicator=open_late&side=above&within="
    own = page_of("dispatcher_xihu").get(f"/evaluation/cases/?{wanted}330106")
    assert late.number in own.text
    other = page_of("dispatcher_gongshu").get(f"/evaluation/cases/?{wanted}330105")
    assert "data-entry" not in other.text


def test_what_was_late_when_a_month_was_frozen_is_not_called_open_once_it_has_ended(
    busy_month, page_of
):
    published(page_of("inspector_he"), page_of("leader_tang"))
    late = CaseClock.objects.filter(kind="whole", stopped_at=None, case__state="rework").first()
    wanted = f"/evaluation/cases/?{MARCH}&kind=street&indicator=open_late"
    before = page_of("leader_tang").get(wanted)
    story = Story(busy_month, case=late.case, now=NOW + 480 * HOUR)
    story.act("request_void", busy_month.dispatcher_li)
    story.act("approve_void", busy_month.supervisor_zhao)
    after = page_of("leader_tang").get(wanted)
    assert after.text.count("<tr data-entry>") == before.text.count("<tr data-entry>")
    assert after.text.count("still open") == before.text.count("still open") - 1


def test_a_month_is_closed_on_its_page_and_its_figures_still_open_their_lists(busy_month, page_of):
    inspector, leader = page_of("inspector_he"), page_of("leader_tang")
    opened = inspector.post("/evaluation/periods/open/", {"kind": "month", "day": "2026-03-16"})
    assert opened.status_code == 302
    held = EvaluationPeriod.objects.get()
    assert inspector.post(f"/evaluation/periods/{held.pk}/check/").status_code == 302
    seen = re.search(r'name="sha256" value="(\w{64})"', leader.get("/evaluation/periods/").text)[1]
    address = f"/evaluation/periods/{held.pk}/publish/"
    assert leader.post(address, {"sha256": "0" * 64}).status_code == 409
    assert leader.post(address, {"sha256": seen}).status_code == 302
    assert leader.post(address, {"sha256": seen}).status_code == 409, "published once"
    before = leader.get(f"/evaluation/?{MARCH}&kind=department")
    assert "Published" in before.text
    Story(busy_month, metres=300).walk_to(State.CLOSED)
    events_sequence()
    reader_run(reader=READER, now=NOW)
    after = leader.get(f"/evaluation/?{MARCH}&kind=department")
    assert figures_shown(after) == figures_shown(before)
    for kind in ("department", "street"):
        for address in figures_on(leader.get(f"/evaluation/?{MARCH}&kind={kind}"))[::4]:
            for url, count in lists_of(leader.get(f"/evaluation/figure/{address}")):
                assert entries(leader, url) == count, url
    assert "more has become known since" in leader.get("/evaluation/periods/").text


@pytest.mark.parametrize("day", ["", "x", "\0", "2026-02-30", "0000-13", "9999-12-31"])
@pytest.mark.parametrize("kind", ["day", "week", "month", "year"])
def test_a_day_that_is_none_or_not_over_opens_no_period(cast, page_of, kind, day):
    answer = page_of("inspector_he").post("/evaluation/periods/open/", {"kind": kind, "day": day})
    assert answer.status_code in (400, 409)
    assert not EvaluationPeriod.objects.exists()


def figures_shown(page) -> list[str]:
    return re.findall(r"<td class=\"number\"><a [^>]*>([^<]*)</a>", page.text)


def test_a_department_appeals_from_its_list_and_the_centre_decides(busy_month, page_of):
    own = busy_month.bodies["sanitation"].pk
    head, leader = page_of("head_qian"), page_of("leader_tang")
    EvaluationPolicy.objects.update(appeal_days=3000)
    query = f"{MARCH}&kind=department&object={own}&indicator=handled_late"
    listed = head.get(f"/evaluation/cases/?{query}")
    link = re.search(r'href="(/evaluation/appeals/new/\d+/)"', listed.text)[1]
    assert "/appeals/new/" not in leader.get(f"/evaluation/cases/?{query}").text
    assert page_of("head_shu").get(link).status_code == 404
    assert head.post(link, {"kind": "not_late", "reason": ""}).status_code == 400
    filed = head.post(link, {"kind": "not_late", "reason": "停电无法施工"})
    assert filed.status_code == 302
    assert head.post(link, {"kind": "not_late", "reason": "again"}).status_code == 409
    assert page_of("head_shu").get(filed.url).status_code == 404
    count = len(re.findall("<tr data-entry>", listed.text))
    odd = leader.post(f"{filed.url}uphold/", {"answer": "", "charged_to": "\0"})
    assert odd.status_code == 400
    decided = leader.post(f"{filed.url}uphold/", {"answer": "属实"})
    assert decided.status_code == 302
    assert "What it changed" in leader.get(filed.url).text
    now_listed = head.get(f"/evaluation/cases/?{query}").text
    assert len(re.findall("<tr data-entry>", now_listed)) == count - 1
    assert leader.post(f"{filed.url}uphold/", {"answer": "属实"}).status_code == 409
