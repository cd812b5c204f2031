"""Pages of fair limits: what handling takes, one limit looked at closely, proposals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import for_roles
from common import clock
from common.durations import limit_text
from common.errors import DomainError
from components.models import CaseStandard, TypeClass
from evaluation.analysis.limits import (
    LEAST,
    MINIMUM,
    SHARES,
    WORKING,
    Look,
    Taken,
    candidates,
    handled_behind,
    handling_taken,
    over_counts,
    rows_of,
)
from evaluation.analysis.reading import (
    Ground,
    amount_read,
    ground_options,
    ground_read,
    hidden,
    invalid,
    key_read,
    number_read,
    sight_read,
)
from evaluation.models import LimitProposal
from evaluation.pages.views.ranking import case_rows
from evaluation.pages.words import NOTHING, percent_text, rounded
from evaluation.periods import DAY, Period
from evaluation.services.proposals import (
    DECIDERS,
    PROPOSERS,
    limit_propose,
    proposal_put_in_force,
    proposal_reject,
)
from evaluation.sight import OVERSEERS
from grid.models import Zone

MONTHS, USUAL_MONTHS = (1, 24), 3
MOST_ROWS, MOST_PROPOSALS, PAGE = 200, 30, 100
MOST_AMOUNT = 1000
ALL = "all"  # zones of all grades, in an address
GRADES = dict(Zone.Grade.choices)


@dataclass(frozen=True, slots=True)
class Asked:
    """How far back is looked, where, and at which types."""

    period: Period
    months: int
    today: date
    ground: Ground
    class_id: int | None

    def query(self, **more: Any) -> str:
        """Return the address's query."""
        parts = {
            "months": self.months,
            "within": self.ground.within.code if self.ground.within else None,
            "of": self.class_id,
            **more,
        }
        return "?" + urlencode({key: value for key, value in parts.items() if value is not None})

    def look(self, **more: Any) -> Look:
        """Return what is looked at."""
        return Look(self.period, self.today, self.ground.scope, self.class_id, **more)


def _read(request: HttpRequest, data: QueryDict, now: datetime) -> Asked:
    today = timezone.localdate(now)
    months = number_read(data, "months", usual=USUAL_MONTHS, least=MONTHS[0], most=MONTHS[1])
    first = today.replace(day=1)
    for _month in range(months - 1):
        first = (first - DAY).replace(day=1)
    period = Period(first, today + DAY)
    ground = ground_read(data.get("within", ""), sight_read(request.user, now), period)
    of = key_read(data, "of")
    if of is not None and not TypeClass.objects.filter(pk=of).exists():
        raise hidden(_("There is no such class of types."))
    return Asked(period, months, today, ground, of)


@require_safe
@for_roles(*OVERSEERS)
def limits(request: HttpRequest) -> HttpResponse:
    """Show how long handling takes under each standard, and the proposals."""
    now = clock.now()
    asked = _read(request, request.GET, now)
    found = handling_taken(asked.look(), now=now)
    standards = CaseStandard.objects.select_related("type").in_bulk(
        {row.standard_id for row in found[:MOST_ROWS]}
    )
    shown = [_row(asked, row, standards[row.standard_id]) for row in found[:MOST_ROWS]]
    context = {
        "asked": asked,
        "rows": shown,
        "left_out": max(len(found) - MOST_ROWS, 0),
        "minimum": MINIMUM,
        "months": MONTHS,
        "areas": ground_options(asked.ground),
        "classes": TypeClass.objects.all(),
        "proposals": _proposals(),
        "decides": bool(request.user.roles & DECIDERS),
        "tomorrow": asked.today + DAY,
        "now": now,
    }
    return render(request, "evaluation/analysis/limits.html", context)


def _row(asked: Asked, row: Taken, standard: CaseStandard) -> dict[str, Any]:
    where = [standard.pk, row.zone_grade or ALL]
    behind = reverse("evaluation:limit-cases", args=where)
    share = Fraction(row.over_count, row.count) if row.count else None
    return {
        "taken": row,
        "standard": standard,
        "grade": grade_text(row.zone_grade),
        "limit": limit_text(standard.limit_value, standard.limit_unit),
        "times": [time_text(row.used_seconds[each], standard) for each in SHARES],
        "share": percent_text(share) if share is not None and row.is_enough else "",
        "is_hard": row.is_enough and row.over_count * 2 > row.count,
        "is_easy": row.is_enough and row.over_count == 0,
        "url": reverse("evaluation:limit", args=where) + asked.query(),
        "count_url": behind + asked.query(),
        "late_url": behind + asked.query(which="late"),
        "over_url": behind + asked.query(which="over", limit=standard.limit_value),
    }


def grade_text(grade: str) -> str:
    """Return the zone grade in words."""
    return str(GRADES[grade]) if grade else _("All zones")


def time_text(seconds: int | None, standard: CaseStandard) -> str:
    """Return a time as the standard's limit counts it: hours of work, or by the clock."""
    if seconds is None:
        return NOTHING
    is_working = standard.limit_unit in WORKING
    if seconds < 3600:
        minutes = rounded(Fraction(seconds, 60), 0)
        if is_working:
            return limit_text(minutes, "minute")
        return _("%(count)s min") % {"count": minutes}
    hours = rounded(Fraction(seconds, 3600), 1)
    return limit_text(hours, "working_hour" if is_working else "hour")


# ── one limit ─────────────────────────────────────────────────────────────────────────────────


def _standard(standard_id: int, grade: str, today: date) -> tuple[CaseStandard, str | None]:
    """Return a standard in force with the zone grade that is looked at; None: all of them."""
    found = CaseStandard.objects.valid_on(today).filter(pk=standard_id).select_related("type")
    standard = found.first()
    if standard is None or (grade != ALL and grade not in GRADES):
        raise hidden(_("There is no such standard in force."))
    return standard, None if grade == ALL else grade


@require_safe
@for_roles(*OVERSEERS)
def limit(request: HttpRequest, standard_id: int, grade: str) -> HttpResponse:
    """Show one limit closely: what others would have done, with one that the reader types."""
    now = clock.now()
    asked = _read(request, request.GET, now)
    standard, zone = _standard(standard_id, grade, asked.today)
    typed = amount_read(request.GET, "limit", most=MOST_AMOUNT)
    look = asked.look(standard_id=standard.pk, zone_grade=zone)
    taken = _taken(look, now)
    tried = over_counts(look, candidates(standard.limit_value, typed), now=now)
    context = {
        "asked": asked,
        "standard": standard,
        "grade": grade,
        "grade_text": grade_text(zone or ""),
        "row": _row(asked, taken, standard),
        "least": LEAST[SHARES[-1]],
        "minimum": MINIMUM,
        "tried": [_tried(asked, look, taken, standard, each, tried[each], typed) for each in tried],
        "typed": typed,
        "all_url": reverse("evaluation:limit", args=[standard.pk, ALL]) + asked.query(),
        "back": reverse("evaluation:limits") + asked.query(),
        "proposes": taken.is_enough and bool(request.user.roles & PROPOSERS),
        "now": now,
    }
    return render(request, "evaluation/analysis/limit.html", context)


def _taken(look: Look, now: datetime) -> Taken:
    found = handling_taken(look, now=now)
    nothing = dict.fromkeys(SHARES)
    return (
        found[0] if found else Taken(look.standard_id or 0, look.zone_grade or "", 0, 0, 0, nothing)
    )


def _tried(
    asked: Asked,
    look: Look,
    taken: Taken,
    standard: CaseStandard,
    value: Decimal,
    over: int,
    typed: Decimal | None,
) -> dict[str, Any]:
    share = Fraction(over, taken.count) if taken.count else None
    where = [standard.pk, look.zone_grade or ALL]
    query = asked.query(which="over", limit=value)
    return {
        "text": limit_text(value, standard.limit_unit),
        "over": over,
        "share": percent_text(share) if share is not None and taken.is_enough else NOTHING,
        "width": round(100 * share) if share is not None and taken.is_enough else 0,
        "is_today": value == standard.limit_value,
        "is_typed": value == typed,
        "url": reverse("evaluation:limit-cases", args=where) + query,
    }


@require_safe
@for_roles(*OVERSEERS)
def limit_cases(request: HttpRequest, standard_id: int, grade: str) -> HttpResponse:
    """Show the cases behind a figure of a limit: exactly as many as it says."""
    now = clock.now()
    asked = _read(request, request.GET, now)
    standard, zone = _standard(standard_id, grade, asked.today)
    which = request.GET.get("which", "")
    over = amount_read(request.GET, "limit", most=MOST_AMOUNT)
    if which not in ("", "late", "over") or (which == "over") != (over is not None):
        raise invalid("which", _("There is no such list."))
    look = asked.look(standard_id=standard.pk, zone_grade=zone)
    keys = handled_behind(look, now=now, is_late=which == "late", over=over)
    most = max(-(-len(keys) // PAGE), 1)
    page = number_read(request.GET, "page", usual=1, least=1, most=most)
    more = {"which": which or None, "limit": over}
    titles = {
        "": _("Cases handled"),
        "late": _("Handled late"),
        "over": _("Longer than %(limit)s") % {"limit": limit_text(over or 1, standard.limit_unit)},
    }
    context = {
        "title": f"{titles[which]} · {grade_text(zone or '')}",
        "object": standard.type,
        "period_text": _span(asked),
        "count": len(keys),
        "rows": case_rows(request, rows_of(keys[(page - 1) * PAGE : page * PAGE]), now),
        "pager": {
            "previous": asked.query(**more, page=page - 1) if page > 1 else "",
            "next": asked.query(**more, page=page + 1) if page < most else "",
        },
        "back": reverse("evaluation:limit", args=[standard.pk, grade]) + asked.query(),
        "now": now,
    }
    return render(request, "evaluation/cases.html", context)


def _span(asked: Asked) -> str:
    return f"{asked.period.first:%Y-%m-%d} – {asked.today:%Y-%m-%d}"


# ── proposals ─────────────────────────────────────────────────────────────────────────────────


def _proposals() -> list[dict[str, Any]]:
    """Return drafts and what was decided lately, drafts first."""
    rows = LimitProposal.objects.select_related("standard__type", "proposed_by", "decided_by")
    found = sorted(rows[:MOST_PROPOSALS], key=lambda row: row.state != row.State.DRAFT)
    return [
        {
            "row": row,
            "grade": grade_text(row.zone_grade),
            "today": limit_text(row.standard.limit_value, row.standard.limit_unit),
            "limit": limit_text(row.limit_value, row.limit_unit),
            "is_draft": row.state == row.State.DRAFT,
            "times": [
                time_text(row.figures["used_seconds"].get(str(share)), row.standard)
                for share in SHARES
            ],
            "shares": [_share(row.figures, key) for key in ("late_at_limit", "late_at_proposed")],
        }
        for row in found
    ]


def _share(figures: dict[str, Any], key: str) -> str:
    return percent_text(Fraction(figures[key], figures["count"]))


@require_POST
@for_roles(*PROPOSERS)
def limit_proposed(request: HttpRequest, standard_id: int, grade: str) -> HttpResponse:
    """Keep another limit as a draft, with the figures it rests on as they are now."""
    now = clock.now()
    asked = _read(request, request.POST, now)
    standard, zone = _standard(standard_id, grade, asked.today)
    value = amount_read(request.POST, "limit", most=MOST_AMOUNT)
    if value is None:
        raise invalid("limit", _("Say which limit is proposed."))
    look = asked.look(standard_id=standard.pk, zone_grade=zone)
    taken = _taken(look, now)
    if not taken.is_enough:
        message = _("Fewer than %(count)s cases: nothing can be said.") % {"count": MINIMUM}
        raise DomainError("not_possible", message, status=409)
    limit_propose(
        actor=request.user,
        standard=standard,
        zone_grade=standard.zone_grade if zone is None else zone,
        limit_value=value,
        reason=request.POST.get("reason", ""),
        figures={
            "period": [asked.period.first.isoformat(), asked.period.end.isoformat()],
            "within": asked.ground.within.code if asked.ground.within else "",
            "count": taken.count,
            "late": taken.late_count,
            "limit": str(standard.limit_value),
            "late_at_limit": taken.over_count,
            "late_at_proposed": over_counts(look, [value], now=now)[value],
            "used_seconds": {str(share): at for share, at in taken.used_seconds.items()},
        },
        now=now,
    )
    messages.success(request, _("The proposal is kept as a draft. Nothing in force has changed."))
    return redirect(reverse("evaluation:limits") + asked.query())


@require_POST
@for_roles(*DECIDERS)
def proposal_decided(request: HttpRequest, proposal_id: int, answer: str) -> HttpResponse:
    """Put a draft in force from a day to come, or reject it."""
    now = clock.now()
    if answer == "put-in-force":
        try:
            on = parse_date(request.POST.get("on", ""))
        except ValueError:
            on = None
        if on is None:
            raise invalid("on", _("Say from which day on the limit holds."))
        proposal_put_in_force(actor=request.user, proposal_id=proposal_id, on=on, now=now)
        messages.success(request, _("The new version holds from %(day)s.") % {"day": on})
    elif answer == "reject":
        text = request.POST.get("answer", "")
        proposal_reject(actor=request.user, proposal_id=proposal_id, answer=text, now=now)
        messages.success(request, _("The proposal is rejected."))
    else:
        raise Http404
    return redirect("evaluation:limits")
