"""Hot spots, comparisons, fair limits, the monthly report: figures as anyone would count them."""

from __future__ import annotations

import html
import math
import re
from collections import defaultdict
from copy import copy
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from random import Random

import pytest
from django.conf import settings
from django.contrib.gis.db.models.functions import Transform
from django.contrib.gis.geos import Point
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from cases.exceptions.repeats import LEFT_OUT
from cases.models import Case, CaseClock
from cases.workflow import State
from common import clock
from components.models import CaseStandard, CaseType
from evaluation.analysis.comparing import change_of
from evaluation.analysis.hotspots import Search, hot_spots
from evaluation.analysis.limits import SHARES, Look, handling_taken
from evaluation.analysis.report import report_make
from evaluation.analysis.sentences import told
from evaluation.indicators import INDICATORS
from evaluation.models import PLACES, Fact, LimitProposal
from evaluation.periods import DAY, Period
from evaluation.services.facts import READER, days_touch
from evaluation.services.publishing import evaluation_check, evaluation_open, evaluation_publish
from evaluation.sight import sight_of
from live.models import EventReader
from tests.cast import NOW, Story
from tests.databases import filled

COUNT = 260
SPAN = Period(date(2026, 2, 1), date(2026, 3, 17))
TODAY = date(2026, 3, 16)
WINDOW = "day=2026-03-16&days=40&metres=25&cases=3"
BODIES = ("sanitation", "gardens")


@filled("cast")
def street_life(cast):
    """A street's cases of forty days, filed and handled, quick and slow.

    One went through the door; the others are its copies elsewhere, with facts of their own.
    """
    story = Story(cast).walk_to(State.CLOSED)
    one, random = story.case, Random(4)
    types = list(CaseType.objects.filter(code__in=("E0102", "E0103", "C0305")))
    standards = {
        kind.pk: list(CaseStandard.objects.filter(type=kind, valid_to=None)) for kind in types
    }
    cases = []
    for number in range(COUNT):
        case = copy(one)
        case.pk, case.number = None, f"2026{number:09}"
        case.type = types[number % 17 % 3]
        case.department = cast.bodies[BODIES[number % 5 == 0]]
        case.zone_grade = ("key", "ordinary")[number % 7 == 0]
        case.state = random.choice(["closed"] * 5 + ["handling", "voided"])
        case.is_open = case.state == "handling"
        case.ended_at = None if case.is_open else case.ended_at
        lon, lat = cast.near(random.uniform(0, 400))
        case.point = Point(lon + random.uniform(0, 400) / 96_000, lat, srid=4326)
        cases.append(case)
    Case.objects.bulk_create(cases)
    clock_row = CaseClock.objects.get(case=one, kind="handle")
    facts = []
    for number, case in enumerate(cases, 1):
        standard = random.choice(standards[case.type_id])
        used = int(random.expovariate(1 / 20_000)) + 60
        about = {
            "position": 10_000 + number,
            "case": case,
            "sequence": 1,
            "run": 1,
            "is_part": False,
            "day": TODAY - random.randrange(44) * DAY,
            "source": random.choice(["collector", "hotline"]),
            "type": case.type,
            "cell": case.cell,
            "cell_code": case.cell_code,
            "community": case.community,
            "street": case.street,
            "district": case.district,
        }
        at = NOW - (TODAY - about["day"]) * 1
        filed = Fact(id=about["position"] * PLACES, kind="filed", happened_at=at, is_late=False)
        handled = Fact(
            id=about["position"] * PLACES + 1,
            kind="handle",
            outcome="done",
            clock=clock_row,
            standard=standard,
            organisation=case.department,
            happened_at=at,
            started_at=at - timedelta(seconds=used),
            planned_end_at=at - timedelta(hours=1),
            actual_end_at=at,
            used_seconds=used,
            is_late=number % 6 == 0,
        )
        for fact in (filed, handled):
            for name, value in about.items():
                setattr(fact, name, value)
            facts.append(fact)
    Fact.objects.bulk_create(facts)
    days_touch({fact.day for fact in facts})


@pytest.fixture
def life(street_life, monkeypatch):
    """The same, on the day after the last of them."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return street_life


def opened(client, page_text: str, limit: int = 5) -> int:
    """Follow the counted links of a page; returns how many led to exactly as many entries."""
    pattern = r'href="([^"]*)" data-(?:spot|list="\w+" data-count)="(\d+)"'
    links = dict.fromkeys((html.unescape(url), int(n)) for url, n in re.findall(pattern, page_text))
    for url, count in list(links)[:limit]:
        assert entries(client, url) == count, url
    return len(list(links)[:limit])


def entries(client, address: str) -> int:
    count = 0
    while address:
        page = client.get(address)
        assert page.status_code == 200, address
        count += page.text.count("<tr data-entry>")
        more = re.search(r'href="([^"]*)" rel="next"', page.text)
        path = address.partition("?")[0]
        address = path + html.unescape(more.group(1)) if more else ""
    return count


def few_queries(client, address: str):
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(address)
    assert len(queries) <= 15, "\n".join(query["sql"][:120] for query in queries)
    return page


# ── hot spots ─────────────────────────────────────────────────────────────────────────────────


def cores_by_hand(metres: int, least: int) -> tuple[dict[int, set[int]], set[int]]:
    """Return groups of cases that have enough alike near them, and all that are near one."""
    facts = Fact.objects.filter(kind="filed", day__gte=TODAY - 39 * DAY, day__lte=TODAY)
    kept = facts.exclude(case__state__in=LEFT_OUT).values_list("case_id", "type_id")
    kinds = {case: kind for case, kind in kept.order_by("-id") if kind}
    cases = Case.objects.filter(pk__in=kinds)
    cases = cases.annotate(metric=Transform("point", settings.GEO_METRIC_SRID))
    points = {case.pk: case.metric.coords for case in cases}
    near: dict[int, set[int]] = {case: {case} for case in kinds}
    for a, b in combinations(kinds, 2):
        if kinds[a] == kinds[b] and math.dist(points[a], points[b]) <= metres:
            near[a].add(b)
            near[b].add(a)
    cores = {case for case, others in near.items() if len(others) >= least}
    group = {case: case for case in cores}
    changed = True
    while changed:
        changed = False
        for case in cores:
            least_one = min(group[other] for other in near[case] & cores)
            if least_one < group[case]:
                group[case], changed = least_one, True
    groups: dict[int, set[int]] = defaultdict(set)
    for case, first in group.items():
        groups[first].add(case)
    return groups, set().union(*(near[case] for case in cores)) if cores else set()


def test_hot_spots_are_those_a_plain_search_finds_and_open_their_cases(life, page_of):
    groups, near = cores_by_hand(metres=25, least=3)
    assert len(groups) >= 3
    found = hot_spots(Search(Period(TODAY - 39 * DAY, TODAY + DAY), 25, 3), now=NOW)
    members = [
        set(Fact.objects.filter(pk__in=s.facts).values_list("case_id", flat=True)) for s in found
    ]
    for cases in groups.values():
        assert sum(cases <= each for each in members) == 1
    assert set().union(*members) == near
    assert [spot.case_count for spot in found] == sorted(map(len, members), reverse=True)
    client = page_of("leader_tang")
    page = few_queries(client, f"/evaluation/hot-spots/?{WINDOW}")
    assert page.text.count("data-spot") == len(found)
    assert opened(client, page.text) >= 3


def test_hot_spots_are_only_those_of_the_readers_own_cases(life, page_of):
    whole = page_of("leader_tang").get(f"/evaluation/hot-spots/?{WINDOW}").text
    own = page_of("head_qian").get(f"/evaluation/hot-spots/?{WINDOW}&by=class")
    assert own.status_code == 200
    for url in re.findall(r'href="([^"]*)" data-spot', own.text):
        numbers = re.findall(
            r"<td class=\"figure nowrap\">(?:<a [^>]*>)?(\d+)",
            page_of("head_qian").get(html.unescape(url)).text,
        )
        cases = Case.objects.filter(number__in=numbers)
        assert {case.department.code for case in cases} == {"sanitation"}
    first = html.unescape(re.search(r'href="([^"]*)" data-spot', whole)[1])
    assert page_of("head_shu").get(first).status_code == 404
    assert page_of("manager_ma").get("/evaluation/hot-spots/").status_code == 404
    far = page_of("dispatcher_gongshu")
    assert far.get(f"/evaluation/hot-spots/?{WINDOW}&within=330106").status_code == 404
    assert far.get(f"/evaluation/hot-spots/?{WINDOW}").status_code == 200


NONSENSE = ("x", "²", "-1", "9" * 40, "0001-01-01", "2026-02-30", "\0", "1e9", "nan", "0")


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("hot-spots/", ("day", "days", "metres", "cases", "by", "of", "within")),
        ("hot-spots/cases/", ("spot",)),
        ("compare/", ("against", "with", "object")),
        ("limits/", ("months", "of", "within")),
        ("report.pdf", ("day",)),
    ],
)
def test_nonsense_is_refused_in_a_sentence(cast, page_of, address, names):
    client = page_of("leader_tang")
    for name in names:
        for value in NONSENSE:
            answer = client.get(f"/evaluation/{address}", {name: value})
            assert answer.status_code in (400, 404), (name, value)


# ── comparison ────────────────────────────────────────────────────────────────────────────────


def test_two_periods_and_two_objects_stand_side_by_side_and_open_their_cases(life, page_of):
    client = page_of("leader_tang")
    own, other = life.bodies["sanitation"].pk, life.bodies["gardens"].pk
    month = "kind=department&period=month&day=2026-03-16"
    page = few_queries(client, f"/evaluation/compare/?{month}&object={own}&against=2026-02-10")
    assert page.text.count("percentage points") >= 1
    assert opened(client, page.text.replace('href="?', 'href="/evaluation/cases/?'), 8) >= 4
    two = few_queries(client, f"/evaluation/compare/?{month}&object={own}&with={other}")
    assert "gardens" in two.text
    assert client.get(f"/evaluation/compare/?{month}&object={own}&with={own}").status_code == 400
    assert client.get(f"/evaluation/compare/?{month}&object={own}&with=99999999").status_code == 404
    assert client.get("/evaluation/compare/?kind=collector&day=2026-03-16").status_code == 302
    head = page_of("head_qian").get(f"/evaluation/compare/?{month}&object={own}&with={other}")
    opens = set(re.findall(r"object=(\d+)[^\"]*\" data-list", head.text))
    assert opens == {str(own)}, "the other's cases stay closed"


@pytest.mark.parametrize(
    ("key", "first", "second", "text", "sense"),
    [
        ("closed_rate", Fraction(9, 10), Fraction(925, 1000), "+2.5 percentage points", "better"),
        ("rework_rate", Fraction(31, 1000), Fraction(36, 1000), "+0.5 percentage points", "worse"),
        ("reported", Fraction(1204), Fraction(1100), "−104", "other"),
        ("handling_mean", Fraction(360), Fraction(300), "−1.0 h", "better"),
        ("finished", Fraction(5), Fraction(5), "±0", "same"),
    ],
)  # fmt: skip
def test_a_difference_is_in_points_and_knows_which_way_is_better(key, first, second, text, sense):
    with override("en"):
        change = change_of(INDICATORS[key], first, second)
    assert (change.text, change.sense) == (text, sense)


# ── fair limits ───────────────────────────────────────────────────────────────────────────────


def percentile(values: list[int], share: float) -> float:
    """Return the value at a share of the way, between two of them."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low, part = int(place), place - int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + part * (values[high] - values[low])


def seconds_of(standard: CaseStandard, fact: Fact) -> float:
    """Return how long the standard's limit is by the calendar of the fact's clock."""
    minutes = {"minute": 1, "working_hour": 60, "hour": 60, "emergency_hour": 60, "day": 1440}
    nominal = fact.clock.calendar_version.data["nominal_day_minutes"]
    each = minutes.get(standard.limit_unit, nominal)
    return float(standard.limit_value) * each * 60


def test_times_and_shares_of_limits_are_those_of_a_plain_recomputation(life):
    by_line: dict[tuple[int, str], list[Fact]] = defaultdict(list)
    facts = Fact.objects.filter(
        kind="handle", outcome="done", day__gte=SPAN.first, day__lt=SPAN.end
    )
    for fact in facts.select_related("case", "standard", "clock__calendar_version"):
        if fact.standard is not None:
            by_line[fact.standard_id, fact.case.zone_grade].append(fact)
    found = handling_taken(Look(SPAN, TODAY), now=NOW)
    assert {(row.standard_id, row.zone_grade) for row in found} == set(by_line)
    assert any(row.over_count for row in found)
    for row in found:
        mine = by_line[row.standard_id, row.zone_grade]
        used = [fact.used_seconds for fact in mine]
        over = [fact for fact in mine if fact.used_seconds > seconds_of(fact.standard, fact)]
        late = sum(fact.is_late for fact in mine)
        assert (row.count, row.late_count, row.over_count) == (len(mine), late, len(over))
        for share in SHARES:
            claimed = row.used_seconds[share]
            assert (claimed is None) == (len(mine) < (100 if share == 0.95 else 30))
            assert claimed is None or claimed == round(percentile(used, share))


def test_a_limit_is_tried_proposed_and_put_in_force_by_somebody_else(life, page_of):
    inspector, administrator = page_of("inspector_he"), page_of("administrator_bai")
    page = few_queries(inspector, "/evaluation/limits/?months=2")
    assert opened(inspector, page.text, 6) >= 4
    most = handling_taken(Look(Period(date(2026, 2, 1), TODAY + DAY), TODAY), now=NOW)[0]
    assert most.count >= 30
    standard = CaseStandard.objects.get(pk=most.standard_id)
    address = f"/evaluation/limits/{standard.pk}/all/"
    tried = few_queries(inspector, f"{address}?months=2&limit=0.5")
    assert opened(inspector, tried.text, 6) >= 6
    wanted = {"months": "2", "limit": "0.5", "reason": "多数半日内办结"}
    assert inspector.post(f"{address}propose/", {**wanted, "limit": "x"}).status_code == 400
    assert inspector.post(f"{address}propose/", {**wanted, "reason": " "}).status_code == 400
    assert administrator.post(f"{address}propose/", wanted).status_code == 403
    assert inspector.post(f"{address}propose/", wanted).status_code == 302
    assert inspector.post(f"{address}propose/", wanted).status_code == 409, "one waits"
    draft = LimitProposal.objects.get()
    assert draft.figures["late_at_proposed"] >= draft.figures["late_at_limit"]
    assert CaseStandard.objects.get(pk=standard.pk).valid_to is None, "nothing in force changed"
    decide = f"/evaluation/limits/proposals/{draft.pk}/put-in-force/"
    assert inspector.post(decide, {"on": "2026-03-17"}).status_code == 403
    assert administrator.post(decide, {"on": "2026-03-16"}).status_code == 400, "a day to come"
    assert administrator.post(decide, {"on": "nonsense"}).status_code == 400
    assert administrator.post(decide, {"on": "2026-03-17"}).status_code == 302
    assert administrator.post(decide, {"on": "2026-03-18"}).status_code == 409, "decided"
    held = CaseStandard.objects.valid_on(date(2026, 3, 17)).get(
        type=standard.type, profile=standard.profile, zone_grade=standard.zone_grade,
        condition=standard.condition,
    )  # fmt: skip
    assert held.limit_value == Decimal("0.5")
    few = next(row for row in handling_taken(Look(SPAN, TODAY), now=NOW) if row.count < 30)
    rare = f"/evaluation/limits/{few.standard_id}/{few.zone_grade}/propose/"
    assert inspector.post(rare, {**wanted, "months": "1"}).status_code in (404, 409), "too few"
    assert page_of("head_qian").get("/evaluation/limits/").status_code == 403


# ── the monthly report ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("key", "now", "before", "year_ago", "english", "chinese"),
    [
        ("filed", 1204, None, 1204, "1,204, unchanged on the same month last year",
         "1,204 件，同比持平"),
        ("filed", 90, 100, None, "90, down 10 (10.0%) on the month before",
         "90 件，环比下降 10 件（10.0%）"),
        ("filed", 3, 0, None, "3, up 3 on the month before", "3 件，环比上升 3 件"),
        ("closed_rate", Fraction(88, 100), Fraction(905, 1000), None,
         "88.0%, down 2.5 percentage points on the month before", "88.0%，环比下降 2.5 个百分点"),
        ("closed_rate", Fraction(88, 100), None, None, "88.0%", "88.0%"),
        ("closed_rate", None, Fraction(1), None, "–", "–"),
    ],
)  # fmt: skip
def test_sentences_of_the_report_say_what_the_figures_do(
    key, now, before, year_ago, english, chinese
):
    values = tuple(None if each is None else Fraction(each) for each in (now, before, year_ago))
    for language, sentence in (("en", english), ("zh-hans", chinese)):
        with override(language):
            assert told(INDICATORS[key], values) == sentence


def test_the_monthly_report_is_printed_and_says_whether_it_is_a_draft(life, page_of):
    client = page_of("leader_tang")
    address = "/evaluation/report.pdf?day=2026-02-10"
    for language in ("zh-hans", "en"):
        made = client.get(address, headers={"accept-language": language})
        assert made.content.startswith(b"%PDF")
    assert client.get("/evaluation/report.doc?day=2026-02-10").status_code == 404
    assert page_of("head_qian").get("/evaluation/report.pdf").status_code == 403
    sight = sight_of(life.leader_tang, TODAY)

    def report():
        with override("en"):
            return report_make(day=date(2026, 2, 10), sight=sight, now=NOW)

    draft = report()
    assert draft.is_draft
    EventReader.objects.update_or_create(name=READER.name, defaults={"position": 20_000})
    held = evaluation_open(actor=life.inspector_he, kind="month", day=date(2026, 2, 10), now=NOW)
    checked = evaluation_check(actor=life.inspector_he, evaluation_id=held.pk, now=NOW)
    evaluation_publish(
        actor=life.leader_tang, evaluation_id=held.pk, sha256=checked.sha256, now=NOW
    )
    published = report()
    assert not published.is_draft
    assert checked.sha256 in published.state
    assert published.sections == draft.sections, "published are the figures that were seen"
    late = Fact.objects.filter(kind="filed", day__lt=date(2026, 3, 1)).latest("id")
    late.pk, late.position = 30_000 * PLACES, 30_000
    Fact.objects.bulk_create([late])
    days_touch({late.day})
    assert report().sections == published.sections, "what came later is not in it"
