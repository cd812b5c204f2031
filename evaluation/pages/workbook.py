"""A ranking as a workbook whose figures are formulas: change a count or a weight, see the score.

Three sheets. *Counts* has the measures, as numbers; *Weights* the scorecard; *Ranking* computes
rates, points, score, grade and rank from them with nothing but IF, N, MIN, MAX, ISNUMBER, ROUND and
COUNTIFS, which every spreadsheet has. A formula says what ``evaluation.scoring`` says.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter as letter
from openpyxl.worksheet.worksheet import Worksheet

from common.spreadsheets import defused
from common.templatetags.ui import named
from evaluation.indicators import INDICATORS, Indicator
from evaluation.models import ObjectKind
from evaluation.pages.board import Board
from evaluation.pages.words import period_text
from evaluation.scoring import MONTHS, Bands, Item
from evaluation.selectors.standings import GRADE_2

FIXED = 6  # rank, name, group, grade, score, ranked
COUNTED, WEIGHED, RANKED = "Counts", "Weights", "Ranking"  # sheets; formulas name them


def workbook_of(board: Board) -> bytes:
    """Return the ranking as a workbook with live formulas."""
    book = Workbook()
    book.remove(book.worksheets[0])
    ranking = book.create_sheet(RANKED)
    counts, weights = book.create_sheet(COUNTED), book.create_sheet(WEIGHED)
    measures = _write_counts(counts, board)
    _write_weights(weights, board)
    _write_ranking(ranking, board, measures)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _head(sheet: Worksheet, titles: Sequence[Any]) -> None:
    sheet.append([defused(str(title)) for title in titles])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "C2"


def _write_counts(sheet: Worksheet, board: Board) -> dict[str, str]:
    """Write the measures; returns the column of each."""
    keys = list(dict.fromkeys(m for item in board.card.indicators for m in _measures(item)))
    names = [str(INDICATORS[key].name) if key in INDICATORS else key for key in keys]
    _head(sheet, [_("Name"), _("Group"), *names])
    for row in board.rows:
        counts = row.standing.counts
        group = row.standing.place.group
        sheet.append([defused(named(row.standing)), group, *(counts.get(key, 0) for key in keys)])
    return {key: letter(place) for place, key in enumerate(keys, 3)}


def _measures(indicator: str) -> tuple[str, ...]:
    return INDICATORS[indicator].measures


def _write_weights(sheet: Worksheet, board: Board) -> None:
    _head(sheet, [_("Figures"), _("Weight"), _("Formula")])
    for item in board.card.items:
        figure = INDICATORS[item.indicator]
        name = f"1 − {figure.name}" if item.is_complement else str(figure.name)
        sheet.append([defused(name), float(item.weight), defused(str(figure.formula))])
    sheet.append([])
    sheet.append([_("Minimum of cases for a rank"), board.card.minimum_count])
    sheet.append([_("Period of the figures"), defused(period_text(board.choice.period))])
    if board.published is not None:
        held = board.published.evaluation
        sheet.append([_("Formula version"), held.formulas])
        sheet.append(["SHA-256", held.sha256])


def _write_ranking(sheet: Worksheet, board: Board, columns: dict[str, str]) -> None:
    items = board.card.items
    titles: list[Any] = [_("Rank"), _("Name"), _("Group"), _("Grade"), _("Score"), _("Ranked")]
    for item in items:
        titles += [INDICATORS[item.indicator].name, _("Points")]
    _head(sheet, titles)
    last = len(board.rows) + 1
    for place, row in enumerate(board.rows, 2):
        cells = [letter(FIXED + 1 + 2 * number) for number in range(len(items))]
        points = [letter(FIXED + 2 + 2 * number) for number in range(len(items))]
        group = row.standing.place.group or _usual_group(board)
        sheet.append(
            [
                _rank(place, last, together=board.choice.kind is ObjectKind.CELL),
                f"={COUNTED}!A{place}",
                f'={COUNTED}!B{place}&""',
                _grade(board, place),
                _score(points, place),
                _is_ranked(board, columns, place),
            ]
        )
        for number, item in enumerate(items):
            value = sheet[f"{cells[number]}{place}"]
            value.value = _value(INDICATORS[item.indicator], columns, place)
            value.number_format = "0" if item.bands is not None else "0.00%"
            cell = sheet[f"{points[number]}{place}"]
            cell.value = _points(item, f"{cells[number]}{place}", group, _months(board))
            cell.number_format = "0.00"
        sheet[f"E{place}"].number_format = "0.00"
    sheet.column_dimensions["B"].width = 24


def _usual_group(board: Board) -> str:
    return GRADE_2 if board.choice.kind is ObjectKind.CELL else ""


def _months(board: Board) -> Fraction:
    return MONTHS[board.choice.period.kind]


def _sum(keys: Sequence[str], columns: dict[str, str], row: int) -> str:
    return "+".join(f"{COUNTED}!{columns[key]}{row}" for key in keys)


def _value(figure: Indicator, columns: dict[str, str], row: int) -> str:
    above = _sum(figure.numerator, columns, row)
    if figure.minus:
        above = f"({above})-({_sum(figure.minus, columns, row)})"
    if not figure.denominator:
        return f"=({above})/{figure.divisor}"
    below = _sum(figure.denominator, columns, row)
    return f'=IF(({below})>0,({above})/MAX({below},1)/{figure.divisor},"")'


def _points(item: Item, cell: str, group: str, months: Fraction) -> str:
    if item.bands is not None:
        steps = item.bands.get(group) or item.bands.get("", ())
        return f"={_band(steps, cell, months)}"
    ratio = f"1-N({cell})" if item.is_complement else f"N({cell})"
    return f'=IF(ISNUMBER({cell}),100*MIN(MAX({ratio},0),1),"")'


def _band(steps: Bands, cell: str, months: Fraction) -> str:
    """Return nested IFs: the first band that holds the count gives the points."""
    if not steps:
        return '""'
    first, rest = steps[0], steps[1:]
    bounds = []
    if first.at_least is not None:
        bounds.append(f"{cell}>={_number(first.at_least * months)}")
    if first.at_most is not None:
        bounds.append(f"{cell}<={_number(first.at_most * months)}")
    if not bounds:
        return _number(first.points)
    condition = bounds[0] if len(bounds) == 1 else f"AND({','.join(bounds)})"
    return f"IF({condition},{_number(first.points)},{_band(rest, cell, months)})"


def _number(value: Fraction) -> str:
    return f"{float(value):.12g}"


def _score(points: Sequence[str], row: int) -> str:
    weighed = "+".join(f"{WEIGHED}!B{n}*N({column}{row})" for n, column in enumerate(points, 2))
    known = "+".join(
        f"{WEIGHED}!B{n}*ISNUMBER({column}{row})" for n, column in enumerate(points, 2)
    )
    return f'=IF(({known})>0,ROUND(({weighed})/MAX({known},0.0001),9),"")'


def _grade(board: Board, row: int) -> str:
    formula = '""'
    for grade in sorted(board.card.grades, key=lambda each: each.at_least):
        formula = f'IF(N(E{row})>={_number(grade.at_least)},"{grade.letter}",{formula})'
    return f'=IF(ISNUMBER(E{row}),{formula},"")'


def _is_ranked(board: Board, columns: dict[str, str], row: int) -> str:
    volume = _sum(INDICATORS[board.card.volume].numerator, columns, row)
    least = f"{WEIGHED}!B{len(board.card.items) + 3}"
    return f"=IF(ISNUMBER(E{row}),IF(({volume})>={least},1,0),0)"


def _rank(row: int, last: int, *, together: bool) -> str:
    ranked, groups, scores = (f"{c}$2:{c}${last}" for c in "FCE")
    alike = "" if together else f"{groups},C{row},"
    others = f'COUNTIFS({ranked},1,{alike}{scores},">"&E{row})'
    return f'=IF(F{row}>0,1+{others},"")'
