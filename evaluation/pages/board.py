"""The ranking with its columns, changes and past, and what is drawn from it. Few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from accounts.models import User
from evaluation.frozen import FrozenRow
from evaluation.indicators import INDICATORS, Indicator, Unit
from evaluation.models import ObjectKind, Scorecard
from evaluation.pages.choice import Choice, district_of
from evaluation.pages.words import count_text, rounded, score_text, value_text
from evaluation.periods import Period, PeriodKind
from evaluation.scoring import Card, Part, score
from evaluation.selectors.figures import figures_over
from evaluation.selectors.published import Published, published_ranking, published_rankings
from evaluation.selectors.scope import Mark
from evaluation.selectors.standings import (
    GRADE_2,
    NoScorecard,
    Standing,
    Standings,
    standings,
)
from evaluation.sight import AREAS, POSTS, Sight

PAST = {  # how many periods are drawn, the chosen one among them
    PeriodKind.LIVE: 14,
    PeriodKind.DAY: 14,
    PeriodKind.WEEK: 13,
    PeriodKind.MONTH: 13,
    PeriodKind.QUARTER: 8,
    PeriodKind.YEAR: 3,
}
PAST_OF_CELLS = 2  # twenty thousand of them: a longer past is the community's
SPARK = 6
MOST_ROWS = 300
COLUMNS = 5

Counts = Mapping[Any, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the table: what it reads, and the address that explains it; "" for nobody."""

    text: str
    url: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Row:
    """An object in the table; ``change`` None: no score before."""

    standing: Standing
    score: str
    change: str
    direction: str
    spark: list[float | None]
    figures: list[Figure]
    url: str
    is_open: bool
    opens: bool

    @property
    def grade(self) -> str:
        """The letter; with too few cases for a rank there is none to speak of."""
        return "" if self.standing.place.rank is None else self.standing.place.score.grade


@dataclass(slots=True)
class Board:
    """Everything the page shows of a choice."""

    choice: Choice
    sight: Sight
    standings: Standings
    columns: list[Indicator]
    indicator: Indicator
    periods: list[Period]
    past: Sequence[Counts]
    published: Published | None = None
    rows: list[Row] = field(default_factory=list)
    total: list[Figure] = field(default_factory=list)
    selected: Standing | None = None

    @property
    def card(self) -> Card:
        """The scorecard of the chosen period."""
        return self.standings.card

    @property
    def grades(self) -> list[dict[str, Any]]:
        """How many objects have each grade, and from how many points on."""
        held = [row.grade for row in self.rows]
        return [
            {
                "letter": grade.letter,
                "count": held.count(grade.letter),
                "at_least": rounded(grade.at_least, 0),
            }
            for grade in self.card.grades
        ]

    @property
    def mark(self) -> Mark | None:
        """What was known when the ranking was frozen; None: everything counts."""
        return self.published.mark if self.published else None

    @property
    def total_counts(self) -> dict[str, int]:
        """The measures of everything in the scope."""
        return added(self.past[-1])

    @property
    def is_area(self) -> bool:
        """Whether the objects lie on a map."""
        return self.choice.kind in AREAS


def boards_of(
    *, choice: Choice, periods: Sequence[Period], sight: Sight, now: datetime
) -> dict[Period, Board]:
    """Return the rankings of a choice in several periods of one length, read together.

    Raises:
        NoScorecard: nothing says how these objects are judged in one of the periods.
    """
    cards = Scorecards(choice.kind)
    published = published_rankings(choice.kind, periods)
    found = figures_over(
        periods,
        indicators=cards.indicators(periods),
        by=(choice.dimension,),
        now=now,
        scope=choice.scope(sight),
    )
    boards = {}
    for period, figures in zip(periods, found, strict=True):
        counts = {key: each for (key,), each in figures.items()}
        own = replace(choice, period=period)
        boards[period] = _board(own, sight, now, cards, published.get(period), [period], [counts])
    return boards


def board_make(*, choice: Choice, sight: Sight, now: datetime, past: int | None = None) -> Board:
    """Return the ranking of a choice, with so many periods of its past.

    Raises:
        NoScorecard: nothing says how these objects are judged in the period.
    """
    cards = Scorecards(choice.kind)
    published = published_ranking(choice.kind, choice.period)
    if cards.on(choice.period) is None and published is None:
        raise NoScorecard(str(choice.kind))
    periods = past_periods(choice, past)
    wanted = cards.indicators(periods)
    if choice.indicator and published is None:
        wanted.append(choice.indicator)
    known = [
        {key: counts for (key,), counts in found.items()}
        for found in figures_over(
            periods, indicators=wanted, by=(choice.dimension,), now=now, scope=choice.scope(sight)
        )
    ]
    return _board(choice, sight, now, cards, published, periods, known)


def _board(
    choice: Choice,
    sight: Sight,
    now: datetime,
    cards: Scorecards,
    published: Published | None,
    periods: list[Period],
    known: list[dict[Any, dict[str, int]]],
) -> Board:
    scorecard = cards.on(choice.period)
    if scorecard is None and published is None:
        raise NoScorecard(str(choice.kind))
    if published is not None:
        ranking = _frozen(published, choice, sight, scorecard)
        known[-1] = {row.key: row.counts for row in ranking.rows}
        if choice.within is None:
            known[-1][None] = published.rest
    else:
        ranking = standings(
            choice.kind,
            period=choice.period,
            now=now,
            scope=choice.scope(sight),
            scorecard=scorecard,
            counts=known[-1],
        )
    card = ranking.card
    asked = choice.indicator if published is None or choice.indicator in card.indicators else ""
    indicator = INDICATORS[asked or _main_indicator(card)]
    board = Board(choice, sight, ranking, _columns(card), indicator, periods, known, published)
    _fill(board, cards)
    return board


def _frozen(
    published: Published, choice: Choice, sight: Sight, scorecard: Scorecard | None
) -> Standings:
    """Return a published ranking, narrowed to what is looked at; ranks stay those published."""
    rows = frozen_rows(published, choice, sight)
    found = [Standing(row.key, row.name, row.name_en, row.place, row.counts) for row in rows]
    return Standings(scorecard, published.card, found)


def frozen_rows(published: Published, choice: Choice, sight: Sight) -> list[FrozenRow]:
    """Return the objects of a published ranking within what is looked at."""
    rows = published.rows
    if choice.within is not None:
        level, area = choice.within.level, choice.within.pk
        rows = [row for row in rows if row.within.get(level) == area]
    if choice.kind in POSTS and sight.people_of is not None:
        people = User.objects.filter(organisation__in=sight.people_of)
        own = set(people.values_list("pk", flat=True))
        rows = [row for row in rows if row.key in own]
    return rows


def past_periods(choice: Choice, most: int | None = None) -> list[Period]:
    """Return the chosen period and those before it, the oldest first."""
    kind = choice.period.kind
    usual = PAST_OF_CELLS if choice.kind is ObjectKind.CELL else PAST[kind]
    count = most or usual
    periods = [choice.period]
    while len(periods) < count:
        before = periods[0].previous
        periods.insert(0, before)
    return periods


class Scorecards:
    """The versions of a kind's scorecard, read once."""

    def __init__(self, kind: ObjectKind) -> None:
        rows = Scorecard.objects.filter(kind=kind).order_by("valid_from")
        self.rows = list(rows.prefetch_related("items__bands"))

    def on(self, period: Period) -> Scorecard | None:
        """Return the version that holds on a period's first day."""
        held = [row for row in self.rows if row.valid_from <= period.first]
        return held[-1] if held else None

    def indicators(self, periods: Iterable[Period]) -> list[str]:
        """Return every indicator that the versions of some periods need."""
        versions = {row.pk: row for row in map(self.on, periods) if row}
        keys = [item.indicator for row in versions.values() for item in row.items.all()]
        return [*keys, *(row.volume for row in versions.values())]


def _main_indicator(card: Card) -> str:
    """Return the figure that weighs most; a rate before a count."""
    items = list(card.items)
    rates = [item for item in items if INDICATORS[item.indicator].unit is Unit.RATIO] or items
    return max(rates, key=lambda item: item.weight).indicator


def _columns(card: Card) -> list[Indicator]:
    """Return the figures of the table: how many cases, then the rates as the scorecard has them."""
    keys = dict.fromkeys((card.volume, *card.indicators))
    return [INDICATORS[key] for key in keys][:COLUMNS]


def _fill(board: Board, cards: Scorecards) -> None:
    choice, sight = board.choice, board.sight
    cards_then = _cards_then(board, cards)
    shown = [row for row in board.standings.rows if sight.shows(choice.kind, row)]
    chosen = choice.object
    board.selected = next((row for row in shown if row.key == chosen), None)
    district = district_of(choice.within)
    for row in shown:
        opens = sight.opens(choice.kind, row.key, district)
        board.rows.append(_row(board, row, cards_then, opens))
    if choice.kind not in POSTS and sight.opens(choice.kind, None, district):
        board.total = _figures(board, None, board.total_counts, opens=True)


def _cards_then(board: Board, cards: Scorecards) -> list[Card | None]:
    """Return the scorecard of each period; a version is read once."""
    current = board.standings.scorecard
    known = {current.pk: board.card} if current and board.published is None else {}
    found: list[Card | None] = []
    for period in board.periods[-max(SPARK, 2) :]:
        version = cards.on(period)
        if version is not None and version.pk not in known:
            known[version.pk] = version.card()
        found.append(known[version.pk] if version else None)
    return found


def _row(board: Board, row: Standing, cards: Sequence[Card | None], opens: bool) -> Row:
    choice = board.choice
    group = row.place.group or (GRADE_2 if choice.kind is ObjectKind.CELL else "")
    scores = [
        score(card, counts.get(row.key, {}), kind=choice.period.kind, group=group).total
        if card and (row.key in counts)
        else None
        for card, counts in zip(cards[:-1], board.past[-len(cards) : -1], strict=True)
    ]
    total = row.place.score.total
    before = scores[-1] if scores else None
    change, direction = change_of(total, before)
    return Row(
        row,
        score_text(total),
        change,
        direction,
        [None if each is None else float(each) for each in (*scores, total)],
        _figures(board, row, row.counts, opens),
        choice.query(object=row.key),
        board.selected is row,
        opens,
    )


def change_of(now: Fraction | None, before: Fraction | None) -> tuple[str, str]:
    """Return the change of two scores as shown, and whether it is up, down or same."""
    if now is None or before is None:
        return "", ""
    change = rounded(now, 1) - rounded(before, 1)
    return str(abs(change)), "up" if change > 0 else "down" if change < 0 else "same"


def _figures(
    board: Board, row: Standing | None, counts: Mapping[str, int], opens: bool
) -> list[Figure]:
    choice = board.choice
    key = row.key if row else None
    return [
        Figure(
            value_text(indicator, indicator.value(counts)),
            choice.query(object=key, indicator=indicator.key, drawer="1"),
            board.indicator is indicator and choice.object == key and bool(choice.indicator),
        )
        for indicator in board.columns
    ]


def added(counts: Counts) -> dict[str, int]:
    """Return the measures of all objects together."""
    total: dict[str, int] = {}
    for each in counts.values():
        for key, value in each.items():
            total[key] = total.get(key, 0) + value
    return total


# ── the drawer ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Line:
    """How one line of the scorecard enters the score."""

    weight: str
    name: str
    fraction: str
    value: str
    points: str
    is_open: bool


def score_lines(standing: Standing, indicator: Indicator) -> list[Line]:
    """Return how a score is made up; points add to the score as weights that have a value do."""
    parts = standing.place.score.parts
    known = sum((part.item.weight for part in parts if part.points is not None), Fraction(0))
    return [_line(part, standing.counts, known, indicator) for part in parts]


def _line(part: Part, counts: Mapping[str, int], known: Fraction, indicator: Indicator) -> Line:
    figure = INDICATORS[part.item.indicator]
    below = figure.below(counts)
    above = count_text(figure.above(counts))
    fraction = f"{above} / {count_text(below)}" if below is not None else above
    name = str(figure.name)
    if part.item.is_complement:
        fraction, name = f"1 − {fraction}", f"1 − {name}"
    value = None if part.points is None else part.points / 100
    points = None if part.points is None else part.item.weight * part.points / known
    return Line(
        f"{float(part.item.weight):g}",
        name,
        fraction,
        value_text(_RATIO, value),
        score_text(points, 2),
        figure is indicator,
    )


_RATIO = Indicator("", "", "", (), unit=Unit.RATIO)


def next_grade(board: Board, standing: Standing, indicator: Indicator) -> dict[str, Any] | None:
    """Return what is missing to the next better grade, and how many cases of a figure that is.

    *Example.* 88.25 points, A from 90: 1.75 points; on-time closing weighs 0.4 and has 3,548 cases
    below the line, so each case is worth 0.01127 points: 156 more cases.
    """
    total = standing.place.score.total
    if total is None:
        return None
    better = [grade for grade in board.card.grades if grade.at_least > total]
    if not better:
        return None
    grade = min(better, key=lambda each: each.at_least)
    missing = grade.at_least - total
    return {
        "letter": grade.letter,
        "points": score_text(missing, 2),
        "cases": _cases_for(standing, indicator, missing),
        "name": indicator.name,
    }


def _cases_for(standing: Standing, indicator: Indicator, missing: Fraction) -> int | None:
    """Return how many cases more (or fewer) bring so many points; None where they cannot."""
    parts = standing.place.score.parts
    part = next((p for p in parts if p.item.indicator == indicator.key), None)
    below = indicator.below(standing.counts)
    if part is None or part.points is None or not below or part.item.bands is not None:
        return None
    known = sum((p.item.weight for p in parts if p.points is not None), Fraction(0))
    each = part.item.weight / known * 100 / below
    cases = -(-missing // each)
    left = below - indicator.above(standing.counts)
    room = indicator.above(standing.counts) if part.item.is_complement else left
    return int(cases) if cases <= room else None
