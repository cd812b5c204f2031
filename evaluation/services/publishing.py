"""Closing a period: draft, checked, published, corrected by numbered supplements.

*Checked* computes the figures once, with the facts known at that moment, and keeps them with their
hash; *published* says yes to exactly what was checked, by somebody else. Nothing changes a
published evaluation: a trigger sees to that. What comes later goes where the city's rule says:
into a supplement of the period, or into the next period that is published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role
from cases.models import EventOutbox
from common.errors import DomainError
from common.text import clean_text
from evaluation.frozen import canonical, card_told, digest, formulas_version, row_told
from evaluation.indicators import measures_of
from evaluation.measures import MEASURES
from evaluation.models import (
    CounterEntry,
    EvaluationPeriod,
    EvaluationPolicy,
    Fact,
    FrozenRanking,
    ObjectKind,
    Scorecard,
)
from evaluation.models.facts import LateFacts
from evaluation.periods import Period, PeriodKind, earlier_than
from evaluation.selectors.figures import figures_by
from evaluation.selectors.late import late_clocks_at
from evaluation.selectors.scope import OF_CLOCK, Mark
from evaluation.selectors.standings import AREAS, DIMENSION_OF, standings
from evaluation.services.facts import READER
from grid.models import Area, GridCell
from live.models import EventPosition, EventReader

State = EvaluationPeriod.State
CHECKERS = frozenset({Role.SHIFT_SUPERVISOR, Role.INSPECTOR})
PUBLISHERS = frozenset({Role.LEADER})
MAX_REASON = 300


def _refuse(code: str, message: Any, status: int) -> DomainError:
    return DomainError(code, message, status=status)


def _allow(actor: User, roles: frozenset[Role]) -> None:
    if not actor.roles & roles:
        raise _refuse("role_refused", _("You may not do this."), 403)


@transaction.atomic
def evaluation_open(
    *, actor: User, kind: str, day: date, now: datetime, reason: str = ""
) -> EvaluationPeriod:
    """Begin the evaluation of a period that is over, or a supplement of one that is published.

    Raise DomainError: ``role_refused`` 403; ``not_possible`` 409 while the period runs, while an
    evaluation of it is open, when nothing came that a supplement could add, or by the rule that
    late facts go to the next period; ``missing_field`` 400 for a supplement without a reason.
    """
    _allow(actor, CHECKERS | PUBLISHERS)
    if kind not in set(PeriodKind) - {PeriodKind.LIVE}:
        raise _refuse("invalid", _("There is no such period."), 400)
    today = timezone.localdate(now)
    if day >= today or (period := Period.of(kind, day)).end > today:
        raise _refuse("not_possible", _("The period is not over yet."), 409)
    before = EvaluationPeriod.objects.select_for_update().filter(kind=kind, first_date=period.first)
    last = before.order_by("-number").first()
    reason = clean_text(reason)[:MAX_REASON]
    if last is not None:
        _check_supplement(last, reason)
    try:
        with transaction.atomic():
            return EvaluationPeriod.objects.create(
                kind=kind,
                first_date=period.first,
                end_date=period.end,
                number=last.number + 1 if last else 0,
                reason=reason,
                opened_by=actor,
                opened_at=now,
            )
    except IntegrityError as error:  # somebody opened it in this very moment
        raise _being_evaluated() from error


def _being_evaluated() -> DomainError:
    return _refuse("not_possible", _("This period is being evaluated already."), 409)


def _check_supplement(last: EvaluationPeriod, reason: str) -> None:
    if last.state != State.PUBLISHED:
        raise _being_evaluated()
    if policy_of(last.period).late_facts == LateFacts.NEXT:
        message = _("By the city's rule what came later counts in the next period.")
        raise _refuse("not_possible", message, 409)
    if not has_late(last):
        raise _refuse("not_possible", _("Nothing came since that would change it."), 409)
    if not reason:
        raise _refuse("missing_field", _("Say why a supplement is needed."), 400)


def policy_of(period: Period) -> EvaluationPolicy:
    """Return what the city has set for a period."""
    rows = EvaluationPolicy.objects.filter(valid_from__lte=period.first)
    return rows.order_by("-valid_from").first() or EvaluationPolicy(repeat_days=30)


def has_late(published: EvaluationPeriod) -> bool:
    """Tell whether facts or counter-entries of the period came after it was frozen."""
    days = {"day__gte": published.first_date, "day__lt": published.end_date}
    return (
        Fact.objects.filter(**days, position__gt=published.position).exists()
        or CounterEntry.objects.filter(**days, pk__gt=published.entries).exists()
    )


@transaction.atomic
def evaluation_check(*, actor: User, evaluation_id: int, now: datetime) -> EvaluationPeriod:
    """Compute the figures with what is known now and keep them; may be done anew until published.

    Raise DomainError: ``role_refused`` 403, ``not_possible`` 409 when published or while the facts
    lag behind the events, 404 ``not_found``.
    """
    _allow(actor, CHECKERS)
    evaluation = _locked(evaluation_id)
    mark = facts_held(evaluation.period.ends_at)
    evaluation.position, evaluation.entries = mark.position, mark.entries
    evaluation.formulas = formulas_version()
    evaluation.rankings.all().delete()
    hashes = [_freeze(evaluation, each, now) for each in _scorecards(evaluation)]
    evaluation.sha256 = digest(canonical([_header(evaluation), hashes]))
    evaluation.state = State.CHECKED
    evaluation.checked_by, evaluation.checked_at = actor, now
    evaluation.save()
    return evaluation


def facts_held(before: datetime) -> Mark:
    """Return what is known now, held until the transaction ends.

    Raise DomainError ``not_possible`` 409 while something that happened earlier than ``before`` has
    no facts yet; what goes on meanwhile keeps nobody waiting.
    """
    # The reader of facts waits for this row: what is counted stands still.
    reader = EventReader.objects.select_for_update().filter(name=READER.name).first()
    position = reader.position if reader else 0
    unread = EventPosition.objects.filter(position__gt=position, event__at__lt=before)
    if EventOutbox.objects.filter(event__at__lt=before).exists() or unread.exists():
        raise _refuse("not_possible", _("Facts are behind: try again in a moment."), 409)
    return Mark(position, CounterEntry.objects.aggregate(last=Max("pk"))["last"] or 0)


@transaction.atomic
def evaluation_publish(
    *, actor: User, evaluation_id: int, sha256: str, now: datetime
) -> EvaluationPeriod:
    """Publish exactly what was checked: ``sha256`` is the hash of what the person saw.

    Raise DomainError: ``role_refused`` 403; ``stale_version`` 409 when it was checked anew since,
    or published already; ``not_possible`` 409 for a draft; ``same_person`` 403.
    """
    _allow(actor, PUBLISHERS)
    evaluation = _locked(evaluation_id)
    if evaluation.state == State.DRAFT:
        raise _refuse("not_possible", _("It has not been checked yet."), 409)
    if evaluation.sha256 != sha256:
        raise _refuse("stale_version", _("It was checked anew since you saw it."), 409)
    if evaluation.checked_by_id == actor.pk:
        raise _refuse("same_person", _("Who checked it may not publish it."), 403)
    evaluation.state = State.PUBLISHED
    evaluation.published_by, evaluation.published_at = actor, now
    evaluation.save()
    return evaluation


def _locked(evaluation_id: int) -> EvaluationPeriod:
    rows = EvaluationPeriod.objects.select_for_update(of=("self",))
    evaluation = rows.filter(pk=evaluation_id).first()
    if evaluation is None:
        raise _refuse("not_found", _("There is no such evaluation."), 404)
    if evaluation.state == State.PUBLISHED:
        raise _refuse("stale_version", _("It was published already."), 409)
    return evaluation


# ── freezing ──────────────────────────────────────────────────────────────────────────────────


def _header(evaluation: EvaluationPeriod) -> dict[str, Any]:
    return {
        "period": [
            evaluation.kind,
            evaluation.first_date.isoformat(),
            evaluation.end_date.isoformat(),
        ],
        "number": evaluation.number,
        "position": evaluation.position,
        "entries": evaluation.entries,
        "formulas": evaluation.formulas,
    }


def _scorecards(evaluation: EvaluationPeriod) -> list[Scorecard]:
    """Return the versions that hold on the period's first day, one a kind."""
    rows = Scorecard.objects.filter(valid_from__lte=evaluation.first_date)
    newest = rows.order_by("kind", "-valid_from").distinct("kind")
    return list(newest.prefetch_related("items__bands"))


def _freeze(evaluation: EvaluationPeriod, scorecard: Scorecard, now: datetime) -> str:
    assert evaluation.position is not None
    assert evaluation.entries is not None
    kind, period = scorecard.kind, evaluation.period
    mark = Mark(evaluation.position, evaluation.entries, is_head=True)
    card = scorecard.card()
    dimension = DIMENSION_OF[ObjectKind(kind)]
    counts = figures_by(dimension, indicators=card.indicators, period=period, now=now, until=mark)
    clocks = _late_clocks(card.indicators, dimension, period, now, mark)
    _add(counts, {key: {m: len(ids) for m, ids in each.items()} for key, each in clocks.items()})
    since = _since(evaluation, mark)
    carried = _carried(period, dimension, card.indicators, now, since) if since else {}
    _add(counts, carried)
    found = standings(kind, period=period, now=now, scorecard=scorecard, counts=counts, until=mark)
    parents = _parents(kind, [row.key for row in found.rows])
    content = canonical(
        {
            "kind": kind,
            **_header(evaluation),
            "scorecard": {"valid_from": scorecard.valid_from.isoformat(), **card_told(card)},
            "since": [since.after, since.entries_after] if since else None,
            "carried": {str(key): each for key, each in carried.items()},
            "rest": {k: v for k, v in counts.get(None, {}).items() if v},
            "rows": [
                row_told(
                    row.place,
                    (row.name, row.name_en),
                    row.counts,
                    parents.get(row.key, {}),
                    clocks.get(row.key, {}),
                )
                for row in found.rows
            ],
        }
    )
    ranking = FrozenRanking.objects.create(
        evaluation=evaluation, kind=kind, content=content, sha256=digest(content)
    )
    return ranking.sha256


def _add(counts: dict[Any, dict[str, int]], more: Mapping[Any, Mapping[str, int]]) -> None:
    for key, each in more.items():
        own = counts.setdefault(key, {})
        for measure, value in each.items():
            own[measure] = own.get(measure, 0) + value


def _late_clocks(
    indicators: tuple[str, ...], dimension: str, period: Period, now: datetime, mark: Mark
) -> dict[Any, dict[str, list[int]]]:
    """Return which clocks were open and late, by object: they are facts only when they stop."""
    found: dict[Any, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for key in measures_of(indicators):
        measure = MEASURES[key]
        if measure.is_open_late:
            late = late_clocks_at(measure, period=period, now=now, mark=mark)
            for owner, clock_id in late.values_list(OF_CLOCK[dimension], "pk"):
                found[owner][key].append(clock_id)
    return found


def _since(evaluation: EvaluationPeriod, mark: Mark) -> Mark | None:
    """Return what came since the period before was frozen, where the city's rule carries it."""
    period = evaluation.period
    if evaluation.number or policy_of(period).late_facts != LateFacts.NEXT:
        return None
    before = EvaluationPeriod.objects.filter(
        kind=evaluation.kind, first_date=period.previous.first, state=State.PUBLISHED
    )
    last = before.order_by("-number").first()
    if last is None:
        return None
    return Mark(mark.position, mark.entries, last.position or 0, last.entries or 0)


def _carried(
    period: Period, dimension: str, indicators: tuple[str, ...], now: datetime, since: Mark
) -> dict[Any, dict[str, int]]:
    """Return the measures of earlier days that became known since."""
    found = figures_by(
        dimension, indicators=indicators, period=earlier_than(period), now=now, until=since
    )
    kept = {
        key: {m: n for m, n in each.items() if n and not MEASURES[m].is_open_late}
        for key, each in found.items()
    }
    return {key: each for key, each in kept.items() if each and key is not None}


def _parents(kind: str, keys: list[int]) -> dict[int, dict[str, int]]:
    """Return the areas that areas and cells lie in."""
    if kind == ObjectKind.CELL:
        names = ("community", "street", "district")
        cells = GridCell.objects.filter(pk__in=keys).values_list(
            "pk", "community", "community__parent", "community__parent__parent"
        )
        return {
            pk: {name: key for name, key in zip(names, above, strict=True) if key}
            for pk, *above in cells
        }
    if kind not in AREAS:
        return {}
    areas = Area.objects.filter(pk__in=keys).values_list("pk", "level", "parent", "parent__parent")
    ways = {"street": ("district",), "community": ("street", "district")}
    return {
        pk: {name: key for name, key in zip(ways.get(level, ()), above, strict=False) if key}
        for pk, level, *above in areas
    }
