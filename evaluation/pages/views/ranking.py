"""Pages of evaluation: the ranking, one figure explained, the cases behind it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.models import User
from cases.models import Case, CaseClock
from common import clock
from common.paging import page_number
from evaluation.contracts.models import READERS as CONTRACT_READERS
from evaluation.indicators import INDICATORS
from evaluation.models import Fact
from evaluation.pages.board import (
    MOST_ROWS,
    Board,
    board_make,
    frozen_rows,
    next_grade,
    score_lines,
)
from evaluation.pages.charts import (
    bar_condition,
    bar_names,
    city_map,
    spark,
    time_span,
    times,
    trend,
    week_hours,
)
from evaluation.pages.choice import Choice, choice_read, district_of
from evaluation.pages.controls import analyses, controls
from evaluation.pages.lists import (
    ABOVE,
    BELOW,
    FAILING,
    Listing,
    ended_at,
    label_of,
    length_of,
    listing,
    sides,
)
from evaluation.pages.printed import ranking_pdf
from evaluation.pages.words import count_text, period_text, score_text, value_text
from evaluation.pages.workbook import workbook_of
from evaluation.selectors.behind import Behind, cases_behind
from evaluation.selectors.published import Published, published_ranking
from evaluation.selectors.scope import Mark
from evaluation.selectors.standings import NoScorecard
from evaluation.services.appeals import DECIDERS, FILERS, may_appeal
from evaluation.services.publishing import CHECKERS
from evaluation.sight import AREAS, READERS, Sight, sight_of
from grid.models import Area

PAGE = 50
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_BODIES = 3


def _read(request: HttpRequest) -> tuple[Choice, Sight]:
    sight = sight_of(request.user, timezone.localdate(clock.now()))
    if sight is None:
        raise Http404
    return choice_read(request.GET, sight), sight


@require_safe
@for_roles(*READERS)
def board(request: HttpRequest) -> HttpResponse:
    """Show the ranking of a choice with its map, trend and times."""
    now = clock.now()
    choice, sight = _read(request)
    context: dict[str, Any] = {
        "choice": choice,
        "controls": controls(choice, sight, now),
        "analyses": analyses(choice, sight, request.user.roles, now),
        "period_text": period_text(choice.period),
        "may_contracts": bool(request.user.roles & CONTRACT_READERS),
        "may_appeals": bool(request.user.roles & (FILERS | DECIDERS | CHECKERS)),
        "now": now,
    }
    try:
        found = board_make(choice=choice, sight=sight, now=now)
    except NoScorecard:
        return render(request, "evaluation/board.html", context)
    opens = sight.opens(choice.kind, choice.object, district_of(choice.within))
    scope = choice.object_scope(sight) if found.selected else choice.scope(sight)
    context |= {
        "board": found,
        "rows": [(row, spark(row.spark)) for row in found.rows[:MOST_ROWS]],
        "left_out": max(len(found.rows) - MOST_ROWS, 0),
        "map": city_map(found) if found.is_area else None,
        "week": {}
        if found.is_area
        else week_hours("handled", period=choice.period, now=now, scope=scope, until=found.mark),
        "trend": trend(found),
        "times": times(period=choice.period, now=now, scope=scope, until=found.mark),
        "list_query": choice.query(indicator="handled") if opens else "",
        "export": choice.query(object=None, indicator=None),
        "drawer": choice.query() if choice.indicator or choice.object else "",
    }
    return render(request, "evaluation/board.html", context)


@require_safe
@for_roles(*READERS)
def figure(request: HttpRequest) -> HttpResponse:
    """Explain one figure of one object: fraction, words, cases, score, next grade, worst."""
    now = clock.now()
    choice, sight = _read(request)
    try:
        found = board_make(choice=choice, sight=sight, now=now, past=1)
    except NoScorecard as error:
        raise Http404 from error
    if choice.object is not None and found.selected is None:
        raise Http404
    opens = sight.opens(choice.kind, choice.object, district_of(choice.within))
    context = figure_context(found, now, opens)
    return render(request, "evaluation/_figure.html", context)


@require_safe
@for_roles(*READERS)
def export(request: HttpRequest, form: str) -> HttpResponse:
    """Return the ranking as a workbook whose figures are formulas, or as a page to print."""
    choice, sight = _read(request)
    now = clock.now()
    try:
        found = board_make(choice=choice, sight=sight, now=now, past=2)
    except NoScorecard as error:
        raise Http404 from error
    if form == "xlsx":
        content, kind = workbook_of(found), EXCEL
    elif form == "pdf":
        content, kind = ranking_pdf(found, now), "application/pdf"
    else:
        raise Http404
    name = f"{choice.kind}-{choice.period.kind}-{choice.period.first}.{form}"
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def figure_context(board: Board, now: Any, opens: bool) -> dict[str, Any]:
    """Return what the drawer shows."""
    choice, indicator, standing = board.choice, board.indicator, board.selected
    counts = standing.counts if standing else board.total_counts
    scope = choice.object_scope(board.sight)
    lists: dict[str, Listing] = {}
    if opens:
        for side in sides(indicator):
            made = listing(
                indicator,
                side,
                period=choice.period,
                now=now,
                scope=scope,
                published=board.published,
                keys=[standing.key] if standing else [row.standing.key for row in board.rows],
            )
            if made is not None:
                lists[side] = made
    shown = FAILING if FAILING in lists else ABOVE
    chosen = lists.get(shown)
    by = chosen.by(areas=choice.kind in AREAS) if chosen else []
    most = by[0][2] if by else 1
    below = indicator.below(counts)
    return {
        "choice": choice,
        "closed": choice.query(indicator=None, object=None),
        "may_open": opens,
        "indicator": indicator,
        "standing": standing,
        "period_text": period_text(choice.period),
        "value": value_text(indicator, indicator.value(counts)),
        "above": (label_of(indicator.numerator), count_text(indicator.above(counts))),
        "below": (label_of(indicator.denominator), count_text(below))
        if below is not None
        else None,
        "links": [
            (
                side,
                length_of(indicator, side, counts),
                choice.query(indicator=indicator.key, side=side),
            )
            for side in lists
        ],
        "shown": shown,
        "shown_count": sum(count for *_names, count in by),
        "by": [
            {"name": name, "name_en": name_en, "count": count, "share": round(100 * count / most)}
            for name, name_en, count in by[:MOST_BODIES]
        ],
        "others": (len(by) - MOST_BODIES, sum(count for *_n, count in by[MOST_BODIES:])),
        "worst": chosen.worst(now) if chosen else [],
        "lines": score_lines(standing, indicator) if standing else [],
        "score": score_text(standing.place.score.total, 2) if standing else "",
        "next": next_grade(board, standing, indicator) if standing else None,
        "now": now,
    }


@require_safe
@for_roles(*READERS)
def cases(request: HttpRequest) -> HttpResponse:
    """Show the cases behind a figure: exactly as many as it says."""
    now = clock.now()
    choice, sight = _read(request)
    if not sight.opens(choice.kind, choice.object, district_of(choice.within)):
        raise Http404
    indicator = INDICATORS.get(choice.indicator)
    if indicator is None:
        raise Http404
    side = request.GET.get("side", ABOVE)
    scope = choice.object_scope(sight)
    published = published_ranking(choice.kind, choice.period)
    found = listing(
        indicator,
        side,
        period=choice.period,
        now=now,
        scope=scope,
        published=published,
        keys=frozen_keys(published, choice, sight),
    )
    if found is None:
        raise Http404
    bar = request.GET.get("bar", "")
    if bar not in {str(number) for number in range(len(bar_names()))}:
        bar = ""
    if bar:
        found = _of_bar(choice, sight, int(bar), now, published.mark if published else None)
    number = page_number(request.GET)
    count, offset = found.count, (number - 1) * PAGE
    rows = found.rows(offset, PAGE)
    names = label_of(indicator.denominator if side == BELOW else indicator.numerator)
    context = {
        "choice": choice,
        "indicator": indicator,
        "side": side,
        "title": names[0] if side != FAILING else indicator.name,
        "object": _object_name(choice),
        "bar": bar_names()[int(bar)] if bar else "",
        "count": count,
        "rows": case_rows(request, rows, now),
        "pager": _pager(choice, side, bar, number, offset + len(rows) < count),
        "back": f"{reverse('evaluation:board')}{choice.query()}",
        "period_text": period_text(choice.period),
        "now": now,
    }
    return render(request, "evaluation/cases.html", context)


def frozen_keys(published: Published | None, choice: Choice, sight: Sight) -> list[int] | None:
    """Return the objects of a published ranking that a list is about, as far as they are shown."""
    if published is None:
        return None
    rows = frozen_rows(published, choice, sight)
    return [row.key for row in rows if choice.object in (None, row.key)]


def _of_bar(choice: Choice, sight: Sight, bar: int, now: Any, mark: Mark | None) -> Listing:
    scope = choice.object_scope(sight)
    behind = cases_behind("handled", period=choice.period, now=now, scope=scope, until=mark)
    facts, entries = (
        query.annotate(span=time_span()).filter(bar_condition(bar))
        for query in (behind.facts, behind.entries)
    )
    return Listing([Behind(facts, None, entries)])


def case_rows(request: HttpRequest, rows: list[Any], now: Any) -> list[dict[str, Any]]:
    """Return rows for the table; a case that its reader may not open any more has no link."""
    cases = {row.case_id for row in rows}
    visible = Case.objects.visible_to(request.user, from_case=True).filter(Q(pk__in=cases))
    opens = set(visible.values_list("pk", flat=True))
    return [_row(row, row.case_id in opens, now, request.user) for row in rows]


def _row(row: Any, opens: bool, now: Any, user: User) -> dict[str, Any]:
    if isinstance(row, CaseClock):
        due, end = row.due_at, ended_at(row)
        over_at = end or now
    else:
        due, end = row.planned_end_at, row.actual_end_at or row.happened_at
        over_at = row.actual_end_at
    return {
        "case": row.case,
        "opens": opens,
        "appeal": isinstance(row, Fact) and may_appeal(user, row),
        "pk": row.pk,
        "organisation": row.organisation,
        "person": row.person,
        "due": due,
        "end": end,
        "over": over_at - due if due and over_at and over_at > due else None,
    }


def _object_name(choice: Choice) -> Any:
    if choice.object is None:
        return choice.within
    if choice.kind in AREAS and choice.dimension != "cell":
        return Area.objects.defer("geometry").filter(pk=choice.object).first()
    return None


def _pager(choice: Choice, side: str, bar: str, number: int, has_more: bool) -> dict[str, str]:
    more = {"side": side, "bar": bar}
    return {
        "previous": choice.query(**more, page=number - 1) if number > 1 else "",
        "next": choice.query(**more, page=number + 1) if has_more else "",
    }
