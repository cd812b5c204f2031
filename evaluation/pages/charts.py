"""Drawings as plain SVG, computed here: sparklines, the trend, times, hours of the week, the map.

Coordinates only; colours are classes of evaluation.css. Nothing is drawn that cannot be printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Value
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay
from django.utils.translation import gettext as _

from common.durations import duration_words
from common.templatetags.ui import named
from evaluation.indicators import INDICATORS, Indicator, Unit
from evaluation.pages.board import Board, added
from evaluation.pages.words import (
    count_text,
    period_text,
    short_period_text,
    span_text,
    value_text,
)
from evaluation.periods import Period
from evaluation.selectors.behind import cases_behind
from evaluation.selectors.scope import Mark, Scope

# ── sparkline ─────────────────────────────────────────────────────────────────────────────────

SPARK_WIDTH, SPARK_HEIGHT, PAD = 60, 18, 3


@dataclass(frozen=True, slots=True)
class Spark:
    """A line of points, and the dot at its end."""

    path: str
    x: float
    y: float


def spark(values: Sequence[float | None]) -> Spark | None:
    """Return the line of the values that are known; None with fewer than two."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    step = (SPARK_WIDTH - 2 * PAD) / (len(values) - 1)
    points = [
        (PAD + place * step, _height(value, low, high))
        for place, value in enumerate(values)
        if value is not None
    ]
    return Spark(_path(points), *points[-1])


def _height(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return round(SPARK_HEIGHT - PAD - share * (SPARK_HEIGHT - 2 * PAD), 1)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " ".join(f"{x:.1f} {y:.1f}" for x, y in points)


NAME_HEIGHT = 30

# ── trend ─────────────────────────────────────────────────────────────────────────────────────

WIDTH, TIMES_WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 420, 190, 40, 118, 10, 22


def trend(board: Board) -> dict[str, Any]:
    """Return the lines of the chosen figure: the chosen object's, and of all together.

    One period with figures is no line: then ``only`` says what each came to.
    """
    indicator, chosen = board.indicator, board.selected
    lines: list[tuple[str, str, list[Fraction | None]]] = []
    if chosen is not None:
        own = [indicator.value(counts.get(chosen.key, {})) for counts in board.past]
        lines.append(("own", named(chosen), own))
    if indicator.unit is not Unit.CASES or chosen is None:
        whole = [indicator.value(added(counts)) for counts in board.past]
        name = named(board.choice.within) if board.choice.within else _("All together")
        lines.append(("whole", name, whole))
    known = [value for _kind, _name, values in lines for value in values if value is not None]
    if not known:
        return {}
    if all(sum(value is not None for value in values) < 2 for _kind, _name, values in lines):
        return {"only": _only(indicator, board.periods, lines)}
    ticks = _ticks(float(min(known)), float(max(known)), is_share=indicator.unit is Unit.RATIO)
    low, high = ticks[0], ticks[-1]
    ends = [_end(indicator, line, low, high) for line in lines]
    _keep_apart(ends)
    return {
        "lines": ends,
        "ticks": [(_y(t, low, high), _tick_text(indicator, t)) for t in ticks],
        "months": _months(board.periods),
        "size": (WIDTH, HEIGHT),
        "right": WIDTH - RIGHT,
        "left": LEFT,
        "name_x": WIDTH - RIGHT + 12,
    }


def _tick_text(indicator: Indicator, tick: float) -> str:
    """Return the label of a line of the grid; there is no room for decimals that are none."""
    if indicator.unit is Unit.RATIO:
        return f"{round(tick * 100, 1):g}%"
    return value_text(indicator, Fraction(tick))


def _only(
    indicator: Indicator,
    periods: Sequence[Period],
    lines: Sequence[tuple[str, str, list[Fraction | None]]],
) -> list[dict[str, str]]:
    """Return the one figure of each line, whose it is and of which period."""
    return [
        {
            "kind": kind,
            "name": name,
            "value": value_text(indicator, value),
            "period": period_text(period),
        }
        for kind, name, values in lines
        for period, value in zip(periods, values, strict=True)
        if value is not None
    ]


def _x(place: int, count: int) -> float:
    return round(LEFT + place * (WIDTH - LEFT - RIGHT) / max(count - 1, 1), 1)


def _y(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _end(
    indicator: Indicator, line: tuple[str, str, list[Fraction | None]], low: float, high: float
) -> dict[str, Any]:
    kind, name, values = line
    points = [
        (_x(place, len(values)), _y(float(value), low, high))
        for place, value in enumerate(values)
        if value is not None
    ]
    last = next(value for value in reversed(values) if value is not None) if points else None
    return {
        "kind": kind,
        "name": name,
        "value": value_text(indicator, last),
        "path": _path(points) if points else "",
        "dots": points,
        "label_y": points[-1][1] if points else TOP,
    }


def _keep_apart(ends: list[dict[str, Any]]) -> None:
    """Keep the names at the lines' ends from covering each other, and within the drawing."""
    ends.sort(key=lambda end: end["label_y"])
    lowest = HEIGHT - BOTTOM - NAME_HEIGHT / 2
    for place, end in enumerate(ends):
        room = lowest - (len(ends) - 1 - place) * NAME_HEIGHT
        least = ends[place - 1]["label_y"] + NAME_HEIGHT if place else TOP
        end["label_y"] = round(max(min(end["label_y"], room), least), 1)


def _ticks(low: float, high: float, *, is_share: bool) -> list[float]:
    """Return four to six round numbers around the values."""
    span = max(high - low, 0.01 if is_share else 1)
    step = next(s for s in _steps(is_share) if span / s <= 4)
    first = int(low / step) * step
    if low > 0 and first >= low - step / 10:
        first = max(first - step, 0)
    ticks = [round(first, 6)]
    while ticks[-1] < high or len(ticks) < 2:
        ticks.append(round(ticks[-1] + step, 6))
    return ticks


def _steps(is_share: bool) -> list[float]:
    powers = range(-3 if is_share else 0, 10)  # a share of few may be many times all
    return [base * 10**power for power in powers for base in (1, 2, 5)]


def _months(periods: Sequence[Period]) -> list[tuple[float, str]]:
    count = len(periods)
    every = -(-count // 7)
    return [
        (_x(place, count), short_period_text(period))
        for place, period in enumerate(periods)
        if (count - 1 - place) % every == 0
    ]


# ── distribution of handling times ────────────────────────────────────────────────────────────

HOUR = timedelta(hours=1)
EDGES = (1, 2, 4, 8, 16, 24, 48, 96)  # hours; the last bar has what took longer
TIMED = "handled"


# By the index fact_handled, without the table.
_TIMES = """
WITH handled AS MATERIALIZED (
    SELECT actual_end_at - started_at AS span, is_late FROM ({handled}) AS each
)
SELECT width_bucket(span, %s::interval[]) AS bar, is_late, count(*), NULL::interval[]
FROM handled GROUP BY bar, is_late
UNION ALL
SELECT NULL, NULL, count(*), percentile_cont(%s::float8[]) WITHIN GROUP (ORDER BY span)
FROM handled
"""
SHARES = [0.5, 0.9]


def time_span() -> ExpressionWrapper:
    """Return how long handling took by the calendar, from dispatch to done."""
    return ExpressionWrapper(F("actual_end_at") - F("started_at"), output_field=DurationField())


def bar_condition(place: int) -> Q:
    """Return which spans a bar holds: [from, to)."""
    wanted = Q()
    if place > 0:
        wanted &= Q(span__gte=EDGES[place - 1] * HOUR)
    if place < len(EDGES):
        wanted &= Q(span__lt=EDGES[place] * HOUR)
    return wanted


def bar_names() -> list[str]:
    """Return which lengths the bars stand for, in words."""
    words = duration_words()
    return [words["day" if in_days else "hour"].replace("%d", span) for span, in_days in _spans()]


def bar_labels() -> list[str]:
    """Return what stands under the bars: a unit where it begins to hold."""
    spans = _spans()
    return [
        name if place == 0 or in_days else span
        for place, (name, (span, in_days)) in enumerate(zip(bar_names(), spans, strict=True))
    ]


def _spans() -> list[tuple[str, bool]]:
    """Return the bars as spans of hours, or of days (true)."""
    spans = [(f"≤{EDGES[0]}", False)]
    spans += [
        (f"{a}–{b}", False) if b <= 24 else (f"{a // 24}–{b // 24}", True)
        for a, b in pairwise(EDGES)
    ]
    return [*spans, (f">{EDGES[-1] // 24}", True)]


def times(*, period: Period, now: datetime, scope: Scope, until: Mark | None) -> dict[str, Any]:
    """Return how long handling took: bars that add to the cases handled, median and P90."""
    behind = cases_behind(TIMED, period=period, now=now, scope=scope, until=until)
    facts, entries = (
        rows.order_by().values_list("started_at", "actual_end_at", "is_late")
        for rows in (behind.facts, behind.entries)
    )
    handled, values = facts.union(entries, all=True).query.sql_with_params()
    with connection.cursor() as cursor:
        edges = [edge * HOUR for edge in EDGES]
        cursor.execute(_TIMES.format(handled=handled), [*values, edges, SHARES])
        rows = cursor.fetchall()
    counts = {(bar, is_late): count for bar, is_late, count, _spans in rows}
    count = counts.pop((None, None))
    if not count:
        return {}
    median, nine = next(spans for *_each, spans in rows if spans)
    pairs = [(counts.get((i, False), 0), counts.get((i, True), 0)) for i in range(len(EDGES) + 1)]
    top = max(a + b for a, b in pairs)
    return {
        "count": count,
        "median": span_text(median),
        "nine": span_text(nine),
        "bars": _bars(pairs, top),
        "ticks": [
            (_y(t, 0, top), count_text(int(t))) for t in _ticks(0, top, is_share=False) if t <= top
        ],
        "size": (TIMES_WIDTH, HEIGHT),
        "left": LEFT,
        "right": TIMES_WIDTH - 8,
    }


def _bars(pairs: Sequence[tuple[int, int]], top: int) -> list[dict[str, Any]]:
    width = (TIMES_WIDTH - LEFT - 8) / len(pairs)
    bars = []
    names = zip(bar_names(), bar_labels(), strict=True)
    for place, ((kept, late), (name, label)) in enumerate(zip(pairs, names, strict=True)):
        base, middle = _y(0, 0, top), _y(kept, 0, top)
        upper = _y(kept + late, 0, top)
        bars.append(
            {
                "place": place,
                "name": name,
                "label": label,
                "x": round(LEFT + place * width + width * 0.14, 1),
                "width": round(width * 0.72, 1),
                "middle": round(LEFT + (place + 0.5) * width, 1),
                "kept": (middle, round(base - middle, 1)),
                "late": (upper, round(middle - upper, 1)),
                "count": kept + late,
                "late_count": late,
            }
        )
    return bars


# ── hours of the week ─────────────────────────────────────────────────────────────────────────


def week_hours(
    measure: str, *, period: Period, now: datetime, scope: Scope, until: Mark | None
) -> dict[str, Any]:
    """Return how many facts of a measure happened in each hour of the week."""
    facts = cases_behind(measure, period=period, now=now, scope=scope, until=until).facts
    rows = (
        facts.order_by()
        .values(weekday=ExtractIsoWeekDay("happened_at"), hour=ExtractHour("happened_at"))
        .annotate(n=Count("pk"), zero=Value(0))
        .values_list("weekday", "hour", "n")
    )
    counts = {(weekday, hour): n for weekday, hour, n in rows}
    if not counts:
        return {}
    top = max(counts.values())
    days = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
    table = [
        (day, [_shade(counts.get((number, hour), 0), top, hour) for hour in range(24)])
        for number, day in enumerate(days, 1)
    ]
    return {"rows": table, "name": INDICATORS[measure].name, "top": top, "hours": range(0, 24, 3)}


def _shade(count: int, top: int, hour: int) -> dict[str, int]:
    return {"hour": hour, "count": count, "step": -(-count * 5 // top)}


# ── map ───────────────────────────────────────────────────────────────────────────────────────

SIDE = 1000  # units of the longer side
# Simplified to a thousandth of the map: a hair's breadth on the screen.
_OUTLINES = """
WITH chosen AS (
    SELECT id, ST_Transform(geometry, 3857) AS shape FROM {table} WHERE id = ANY(%s)
), box AS (
    SELECT ST_XMin(b) AS west, ST_YMax(b) AS north, %s / greatest(ST_XMax(b) - ST_XMin(b),
        ST_YMax(b) - ST_YMin(b), 1) AS scale, ST_XMax(b) - ST_XMin(b) AS width,
        ST_YMax(b) - ST_YMin(b) AS height
    FROM (SELECT ST_Extent(shape)::geometry AS b FROM chosen) AS extent
), drawn AS (
    SELECT id, ST_SimplifyPreserveTopology(ST_Affine(shape, scale, 0, 0, scale, -west * scale,
        -north * scale), 1.2) AS shape, width * scale AS w, height * scale AS h
    FROM chosen, box
)
SELECT id, ST_AsSVG(shape, 1, 0), ST_X(ST_PointOnSurface(shape)),
    -ST_Y(ST_PointOnSurface(shape)), w, h FROM drawn ORDER BY id
"""
TABLES = {"area": "grid_area", "cell": "grid_gridcell"}


def city_map(board: Board) -> dict[str, Any]:
    """Return the outlines of the objects in the colours of their grades: one statement."""
    rows = {row.standing.key: row for row in board.rows}
    table = TABLES["cell" if board.choice.dimension == "cell" else "area"]
    with connection.cursor() as cursor:
        cursor.execute(_OUTLINES.format(table=table), [list(rows), SIDE])
        drawn = cursor.fetchall()
    if not drawn:
        return {}
    shapes = []
    for key, path, x, y, _width, _height in drawn:
        row = rows[key]
        shapes.append(
            {
                "path": path,
                "grade": row.grade.lower(),
                "name": named(row.standing),
                "score": row.score,
                "url": row.url,
                "is_open": row.is_open,
                "x": round(x),
                "y": round(y),
            }
        )
    shapes.sort(key=lambda shape: shape["is_open"])
    return {"shapes": shapes, "width": round(drawn[0][4]), "height": round(drawn[0][5])}
