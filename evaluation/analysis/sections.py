"""The sections of the monthly report: text and tables that follow the figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.db.models import Count, Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from cases.models import Case, Source
from common.templatetags.ui import named
from components.models import CaseType
from evaluation.analysis.document import Picture, Section, Table
from evaluation.analysis.hotspots import Search, Spot, TooManyCases, hot_spots
from evaluation.analysis.months import CITYWIDE, Month
from evaluation.analysis.sentences import change_cell, told
from evaluation.indicators import INDICATORS
from evaluation.models import Appeal, ObjectKind
from evaluation.pages.board import Board, Row
from evaluation.pages.charts import times, trend
from evaluation.pages.words import NOTHING, count_text, percent_text, period_text, value_text
from evaluation.periods import Period
from evaluation.selectors.figures import figures_by
from evaluation.selectors.published import Published
from evaluation.selectors.scope import EVERYWHERE
from grid.models import Area

TIMELY = (
    "closed_rate", "finished_in_time_rate", "handling_in_time_rate", "handling_mean",
)  # fmt: skip
TROUBLES = (
    "reworked", "rework_rate", "repeated", "repeat_rate", "reopened", "returned", "extended",
    "suspended", "voided",
)  # fmt: skip
MOST_TYPES, MOST_SPOTS, MOST_BODIES = 10, 10, 40


def _told(months: Sequence[Month], key: str) -> str:
    now, before, year_ago = (month.value(key) for month in months)
    return told(INDICATORS[key], (now, before, year_ago))


def _shown(month: Month, key: str) -> str:
    return value_text(INDICATORS[key], month.value(key))


def _clauses(months: Sequence[Month], keys: Sequence[str]) -> list[str]:
    """Return one sentence of the figures that have a value; nothing where none has."""
    some = [
        _("%(name)s: %(figure)s") % {"name": INDICATORS[key].name, "figure": _told(months, key)}
        for key in keys
        if months[0].value(key) is not None
    ]
    return [_("%(clauses)s.") % {"clauses": _("; ").join(some)}] if some else []


def summary(months: Sequence[Month]) -> Section:
    """Say what the month came to, in sentences and one table."""
    month = months[0]
    section = Section(_("In short"))
    if month.counts is None:
        section.blocks.append(_("Nothing was reported, handled or closed in this month."))
        return section
    counts = {key: _told(months, key) for key in ("reported", "filed", "finished")}
    section.blocks.append(
        _("In %(month)s, cases reported: %(reported)s; filed: %(filed)s; closed: %(finished)s.")
        % {"month": period_text(month.period), **counts}
    )
    section.blocks += _clauses(months, TIMELY) + _clauses(months, ("rework_rate", "repeat_rate"))
    section.blocks.append(_figures(months, CITYWIDE))
    return section


def _figures(months: Sequence[Month], keys: Sequence[str]) -> Table:
    """Return figures beside those of the month before and of a year ago, with their changes."""
    now, before, year_ago = months
    head, rows = [_("Figure"), now.name], []
    for key in keys:
        row = [str(INDICATORS[key].name), _shown(now, key)]
        if before.counts is not None:
            change = change_cell(INDICATORS[key], now.value(key), before.value(key))
            row += [_shown(before, key), change or NOTHING]
        if year_ago.counts is not None:
            row.append(_shown(year_ago, key))
        rows.append(row)
    if before.counts is not None:
        head += [before.name, _("Change")]
    if year_ago.counts is not None:
        head.append(year_ago.name)
    return Table(head, rows, len(head) - 1)


def sources(months: Sequence[Month], now: datetime) -> Section:
    """Say where cases came from."""
    section = Section(_("Sources"))
    found = [_by(month, "source", "reported", now) for month in months[:2]]
    total = sum(found[0].values())
    if not total:
        section.blocks.append(_("No case was reported in this month."))
        return section
    labels = dict(Source.choices)
    order = sorted(found[0].items(), key=lambda each: (-each[1], each[0]))
    first, count = order[0]
    section.blocks.append(
        _("Most cases came from: %(source)s, %(count)s of %(total)s (%(share)s).")
        % {
            "source": labels[first],
            "count": count_text(count),
            "total": count_text(total),
            "share": percent_text(Fraction(count, total)),
        }
    )
    section.blocks += _clauses(months, ("public_share",))
    rows = [(str(labels[key]), count, found[1].get(key, 0)) for key, count in order]
    section.blocks.append(_share_table(_("Source"), "reported", rows, total, months[1]))
    return section


def _share_table(
    what: str, key: str, rows: Sequence[tuple[str, int, int]], total: int, before: Month
) -> Table:
    """Return parts of a whole: name, now, before; what is before only where anything is known."""
    head = [what, str(INDICATORS[key].name), pgettext("part of a whole", "Share")]
    is_known = before.counts is not None
    if is_known:
        head += [pgettext("report", "Before"), _("Change")]
    body = []
    for name, count, then in rows:
        row = [name, count_text(count), percent_text(Fraction(count, total))]
        if is_known:
            change = change_cell(INDICATORS[key], Fraction(count), Fraction(then))
            row += [count_text(then), change]
        body.append(row)
    return Table(head, body, len(head) - 1)


def _by(month: Month, dimension: str, measure: str, now: datetime) -> dict[Any, int]:
    """Return one measure by the objects of a dimension, as known when the month was frozen."""
    known = month.published[ObjectKind.DISTRICT]
    found = figures_by(
        dimension,
        indicators=[measure],
        period=month.period,
        now=now,
        until=known.mark if known else None,
    )
    return {key: counts[measure] for key, counts in found.items() if counts.get(measure)}


def types(months: Sequence[Month], now: datetime) -> Section:
    """Say what was filed most often."""
    section = Section(pgettext("report", "Types"))
    found = [_by(month, "type", "filed", now) for month in months[:2]]
    total = sum(found[0].values())
    if not total:
        section.blocks.append(_("No case was filed in this month."))
        return section
    order = sorted(found[0].items(), key=lambda each: (-each[1], each[0] or 0))[:MOST_TYPES]
    types = CaseType.objects.in_bulk([key for key, _count in order if key])
    names = {key: named(types[key]) if key else _("without a type") for key, _count in order}
    three = [
        _("%(name)s (%(count)s)") % {"name": names[key], "count": count_text(count)}
        for key, count in order[:3]
    ]
    most = sum(count for _key, count in order)
    section.blocks.append(
        _("Filed most often: %(types)s. The types below make up %(share)s of all filed cases.")
        % {"types": _(", ").join(three), "share": percent_text(Fraction(most, total))}
    )
    rows = [(names[key], count, found[1].get(key, 0)) for key, count in order]
    section.blocks.append(_share_table(_("Type"), "filed", rows, total, months[1]))
    return section


def ranking(title: str, board: Board | None) -> Section:
    """Say who stands where, with grades and changes."""
    section = Section(title)
    rows = [row for row in board.rows if _counts(row)] if board else []
    if board is None or not rows:
        section.blocks.append(_("No scorecard holds, or nothing was counted."))
        return section
    ranked = [row for row in rows if row.standing.place.rank is not None]
    section.blocks.append(_ranked_told(ranked, board))
    columns = [_("Rank"), _("Name"), _("Grade"), _("Score"), _("Change")]
    body = [
        [
            str(row.standing.place.rank or NOTHING),
            named(row.standing),
            row.grade or NOTHING,
            row.score,
            _change(row),
            *(figure.text for figure in row.figures),
        ]
        for row in rows[:MOST_BODIES]
    ]
    head = [*columns, *(str(column.name) for column in board.columns)]
    section.blocks.append(Table(head, body, len(head) - 3, grade=2, wide=(1,)))
    return section


def _counts(row: Row) -> bool:
    return any(row.standing.counts.values())


def _change(row: Row) -> str:
    sign = {"up": "▲ ", "down": "▼ "}.get(row.direction, "")
    return f"{sign}{row.change}" if row.change else NOTHING


def _ranked_told(ranked: Sequence[Row], board: Board) -> str:
    """Say who stands first and last, and how many have which grade."""
    if not ranked:
        return _("Nobody had cases enough for a rank.")
    held = [row.grade for row in ranked]
    grades = [
        _("%(letter)s: %(count)s") % {"letter": each["letter"], "count": held.count(each["letter"])}
        for each in board.grades
        if held.count(each["letter"])
    ]
    first, last = ranked[0], max(ranked, key=lambda row: row.standing.place.rank or 0)
    words = {
        "first": named(first.standing),
        "first_score": first.score,
        "last": named(last.standing),
        "last_score": last.score,
        "grades": _(", ").join(grades),
    }
    groups = {row.standing.place.group for row in ranked}
    if len(ranked) == 1:
        return _("Ranked: %(first)s with %(first_score)s points. Grades: %(grades)s.") % words
    if len(groups) > 1:
        return _("Ranked within groups of comparable ones. Grades: %(grades)s.") % words
    if first.standing.place.rank == last.standing.place.rank:
        return (
            _("All share the first rank with %(first_score)s points. Grades: %(grades)s.") % words
        )
    return (
        _(
            "First stands %(first)s with %(first_score)s points, last %(last)s with "
            "%(last_score)s. Grades: %(grades)s."
        )
        % words
    )


def timeliness(
    months: Sequence[Month], board: Board | None, published: Published | None, now: datetime
) -> Section:
    """Say how long handling took, and how the main figure went."""
    section = Section(_("Time of handling"))
    month = months[0]
    taken = times(
        period=month.period,
        now=now,
        scope=EVERYWHERE,
        until=published.mark if published else None,
    )
    if taken:
        section.blocks.append(
            ngettext(
                "%(count)s case was handled: half within %(median)s, nine of ten in %(nine)s.",
                "%(count)s cases were handled: half within %(median)s, nine of ten in %(nine)s.",
                taken["count"],
            )
            % {
                "count": count_text(taken["count"]),
                "median": taken["median"],
                "nine": taken["nine"],
            }
        )
        drawn = render_to_string("evaluation/_times_drawing.html", {"times": taken})
        section.blocks.append(Picture("times.svg", drawn, _("How long handling took; red: late")))
    else:
        section.blocks.append(_("Nothing was handled in this month."))
    line = trend(board) if board else {}
    if board and "lines" in line:
        drawn = render_to_string("evaluation/_trend_drawing.html", {"trend": line})
        caption = _("%(figure)s, the last 13 months") % {"figure": board.indicator.name}
        section.blocks.append(Picture("trend.svg", drawn, caption))
    section.blocks.append(_figures(months, TIMELY))
    return section


def spots(period: Period, published: Published | None, now: datetime) -> Section:
    """Say where cases of one type came again and again."""
    section = Section(_("Hot spots"))
    until = published.mark if published else None
    search = Search(Period(period.first, period.end), until=until)
    try:
        found = hot_spots(search, now=now)
    except TooManyCases:
        section.blocks.append(_("Too many cases for the whole city: see the page of hot spots."))
        return section
    rule = {"metres": search.metres, "cases": search.case_count}
    if not found:
        section.blocks.append(
            _("No place had %(cases)s cases of one type within %(metres)s m in the month.") % rule
        )
        return section
    shown = found[:MOST_SPOTS]
    types = CaseType.objects.in_bulk({spot.kind_id for spot in shown})
    streets = Area.objects.defer("geometry").in_bulk({spot.street_id for spot in shown})
    newest = Case.objects.filter(pk__in=[spot.last_case for spot in shown])
    addresses = dict(newest.values_list("pk", "address"))

    def where(spot: Spot) -> str:
        return addresses.get(spot.last_case) or named(streets[spot.street_id])

    first = shown[0]
    section.blocks.append(
        ngettext(
            "%(count)s place had at least %(cases)s cases of one type within %(metres)s m.",
            "%(count)s places had at least %(cases)s cases of one type within %(metres)s m.",
            len(found),
        )
        % {"count": count_text(len(found)), **rule}
        + _(" Most often: %(type)s, %(where)s, %(times)s cases.")
        % {
            "type": named(types[first.kind_id]),
            "where": where(first),
            "times": count_text(first.case_count),
        }
    )
    rows = [
        [
            str(number),
            named(types[spot.kind_id]),
            where(spot),
            named(streets[spot.street_id]),
            count_text(spot.case_count),
            f"{timezone.localdate(spot.first_at):%m-%d} – {timezone.localdate(spot.last_at):%m-%d}",
            count_text(spot.open_count),
        ]
        for number, spot in enumerate(shown, 1)
    ]
    head = [
        _("No."), _("Type"), _("Where"), _("Street"), pgettext("number", "Cases"),
        _("First – last"),
        _("Still open"),
    ]  # fmt: skip
    section.blocks.append(Table(head, rows, 3, wide=(1, 2)))
    return section


def troubles(months: Sequence[Month]) -> Section:
    """Say what had to be done again, was returned, extended or suspended."""
    section = Section(_("Rework, repetition, exceptions"))
    keys = ("reworked", "repeated", "reopened", "returned", "extended", "suspended")
    section.blocks += _clauses(months, keys)
    section.blocks.append(_figures(months, TROUBLES))
    return section


def appeals(period: Period) -> Section:
    """Say how many appeals were filed and what became of them."""
    section = Section(_("Appeals"))
    rows = Appeal.objects.filter(filed_at__gte=period.starts_at, filed_at__lt=period.ends_at)
    states = Appeal.State
    found = rows.aggregate(
        filed=Count("pk"),
        upheld=Count("pk", filter=Q(state=states.UPHELD)),
        rejected=Count("pk", filter=Q(state=states.REJECTED)),
        reversed=Count("pk", filter=Q(state=states.REVERSED)),
        open=Count("pk", filter=Q(state=states.OPEN)),
    )
    if not found["filed"]:
        section.blocks.append(_("No appeal was filed in this month."))
        return section
    section.blocks.append(
        _(
            "Appeals filed: %(filed)s. Upheld: %(upheld)s, rejected: %(rejected)s, upheld and "
            "reversed: %(reversed)s, still open: %(open)s."
        )
        % found
    )
    return section
