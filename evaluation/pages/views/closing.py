"""Pages on which periods are closed and appeals are filed and decided."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import for_roles
from accounts.models import Organisation
from cases.models import Case
from common import clock
from common.errors import DomainError
from evaluation.indicators import INDICATORS
from evaluation.models import Appeal, EvaluationPeriod, Fact
from evaluation.models.publishing import CLOSABLE
from evaluation.pages.words import count_text, period_text, value_text
from evaluation.periods import Period, PeriodKind
from evaluation.selectors.standings import HANDLERS
from evaluation.services.appeals import (
    DECIDERS,
    FILERS,
    appeal_decide,
    appeal_file,
    appeal_reverse,
    may_appeal,
)
from evaluation.services.publishing import (
    CHECKERS,
    PUBLISHERS,
    evaluation_check,
    evaluation_open,
    evaluation_publish,
    has_late,
)
from evaluation.sight import READERS

CLOSERS = CHECKERS | PUBLISHERS
APPELLANTS = FILERS | DECIDERS | CHECKERS
MOST = 60


@require_safe
@for_roles(*READERS)
def periods(request: HttpRequest) -> HttpResponse:
    """Show what was published; those who close periods also see drafts and what comes next."""
    rows = EvaluationPeriod.objects.select_related("checked_by", "published_by")
    closes = bool(request.user.roles & CLOSERS)
    if not closes:
        rows = rows.filter(state=EvaluationPeriod.State.PUBLISHED)
    last = Period.of(PeriodKind.MONTH, timezone.localdate(clock.now())).previous
    context = {
        "rows": [_period_row(row, request) for row in rows[:MOST]],
        "kinds": CLOSABLE,
        "closes": closes,
        "day": last.first,
        "now": clock.now(),
    }
    return render(request, "evaluation/periods.html", context)


def _period_row(row: EvaluationPeriod, request: HttpRequest) -> dict[str, Any]:
    is_published = row.state == row.State.PUBLISHED
    roles = request.user.roles
    return {
        "row": row,
        "name": period_text(row.period),
        "is_published": is_published,
        "checks": not is_published and bool(roles & CHECKERS),
        "publishes": row.state == row.State.CHECKED and bool(roles & PUBLISHERS),
        "has_late": is_published and bool(roles & CLOSERS) and has_late(row),
    }


@require_POST
@for_roles(*CLOSERS)
def period_open(request: HttpRequest) -> HttpResponse:
    """Begin the evaluation of a period, or a supplement."""
    try:
        day = parse_date(request.POST.get("day", ""))
    except ValueError:
        day = None
    if day is None:
        raise DomainError("invalid", _("Say which period: a day in it is enough."))
    evaluation_open(
        actor=request.user,
        kind=request.POST.get("kind", ""),
        day=day,
        reason=request.POST.get("reason", ""),
        now=clock.now(),
    )
    messages.success(request, _("The evaluation is open. Check it next."))
    return redirect("evaluation:periods")


@require_POST
@for_roles(*CHECKERS)
def period_check(request: HttpRequest, evaluation_id: int) -> HttpResponse:
    """Compute and keep the figures."""
    evaluation_check(actor=request.user, evaluation_id=evaluation_id, now=clock.now())
    messages.success(request, _("The figures are frozen as they are now. A leader may publish."))
    return redirect("evaluation:periods")


@require_POST
@for_roles(*PUBLISHERS)
def period_publish(request: HttpRequest, evaluation_id: int) -> HttpResponse:
    """Publish what was checked."""
    evaluation_publish(
        actor=request.user,
        evaluation_id=evaluation_id,
        sha256=request.POST.get("sha256", ""),
        now=clock.now(),
    )
    messages.success(request, _("Published."))
    return redirect("evaluation:periods")


# ── appeals ───────────────────────────────────────────────────────────────────────────────────


def _visible(request: HttpRequest) -> Any:
    """Return the appeals somebody may see: the centre all, a department its own."""
    rows = Appeal.objects.select_related(
        "fact__case__type", "fact__organisation", "organisation", "filed_by", "decided_by",
        "charged_to",
    )  # fmt: skip
    if request.user.roles & (DECIDERS | CHECKERS):
        return rows
    return rows.filter(organisation=request.user.organisation)


@require_safe
@for_roles(*APPELLANTS)
def appeals(request: HttpRequest) -> HttpResponse:
    """Show appeals, those that wait first."""
    rows = sorted(_visible(request)[:MOST], key=lambda row: row.state != Appeal.State.OPEN)
    context = {"rows": rows, "now": clock.now()}
    return render(request, "evaluation/appeals.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*FILERS)
def appeal_new(request: HttpRequest, fact_id: int) -> HttpResponse:
    """File an appeal on an entry of the own department."""
    fact = (
        Fact.objects.select_related("organisation", "case__type", "person")
        .filter(pk=fact_id)
        .first()
    )
    if fact is None or not may_appeal(request.user, fact):
        raise Http404
    error, status = None, 200
    if request.method == "POST":
        try:
            filed = appeal_file(
                actor=request.user,
                fact_id=fact_id,
                kind=request.POST.get("kind", ""),
                reason=request.POST.get("reason", ""),
                now=clock.now(),
            )
        except DomainError as refused:
            error, status = {"message": refused.message}, refused.status
        else:
            messages.success(request, _("Your appeal waits for a decision of the centre."))
            return redirect("evaluation:appeal", filed.pk)
    kinds = [kind for kind in Appeal.Kind if fact.is_late or kind is not Appeal.Kind.NOT_LATE]
    context = {
        "fact": fact,
        "kinds": kinds,
        "error": error,
        "typed": request.POST.get("reason", ""),
        "now": clock.now(),
    }
    return render(request, "evaluation/appeal_new.html", context, status=status)


@require_safe
@for_roles(*APPELLANTS)
def appeal(request: HttpRequest, appeal_id: int) -> HttpResponse:
    """Show an appeal, with what it changed, and the decision where the reader may take it."""
    found = get_object_or_404(_visible(request), pk=appeal_id)
    may = bool(request.user.roles & DECIDERS) and found.organisation != request.user.organisation
    bodies: Any = []
    if may and found.state == found.State.OPEN and found.kind == found.Kind.NOT_OURS:
        bodies = Organisation.objects.filter(kind__in=HANDLERS, is_active=True).order_by("path")
        bodies = bodies.exclude(pk=found.fact.organisation_id)
    visible = Case.objects.visible_to(request.user, from_case=True).filter(pk=found.fact.case_id)
    context = {
        "appeal": found,
        "opens": visible.exists(),
        "decides": may and found.state == found.State.OPEN,
        "reverses": may and found.state == found.State.UPHELD,
        "bodies": bodies,
        "effect": _effect(found),
        "now": clock.now(),
    }
    return render(request, "evaluation/appeal.html", context)


def _effect(found: Appeal) -> list[dict[str, Any]]:
    """Return the department's figures before and after, as shown."""
    if not found.effect:
        return []
    return [
        {
            "name": INDICATORS[key].name,
            "before": _value(key, *before),
            "after": _value(key, *found.effect["after"][key]),
        }
        for key, before in found.effect["before"].items()
    ]


def _value(key: str, above: int, below: int) -> str:
    indicator = INDICATORS[key]
    if not indicator.denominator:
        return count_text(above)
    counts = {indicator.numerator[0]: above}
    counts |= {indicator.denominator[0]: below} if below else {}
    shown = value_text(indicator, indicator.value(counts))
    return f"{shown} ({count_text(above)} / {count_text(below)})"


@require_POST
@for_roles(*DECIDERS)
def appeal_answer(request: HttpRequest, appeal_id: int, answer: str) -> HttpResponse:
    """Uphold, reject or reverse an appeal."""
    if answer == "reverse":
        appeal_reverse(actor=request.user, appeal_id=appeal_id, now=clock.now())
    elif answer in ("uphold", "reject"):
        code = request.POST.get("charged_to", "").replace("\0", "")
        body = Organisation.objects.filter(code=code).first() if code else None
        appeal_decide(
            actor=request.user,
            appeal_id=appeal_id,
            uphold=answer == "uphold",
            answer=request.POST.get("answer", ""),
            charged_to=body,
            now=clock.now(),
        )
    else:
        raise Http404
    messages.success(request, _("The decision is kept, with what it changed."))
    return redirect("evaluation:appeal", appeal_id)
