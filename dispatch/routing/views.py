"""Pages about the rules: what they say and how they do."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.roles import Role
from cases.models import Case
from cases.presenters import case_row
from cases.views.cases import columns_shown
from common import clock
from common.paging import cursor_page
from dispatch.routing.facts import book_of, rules_in_force
from dispatch.routing.review import lines
from dispatch.routing.shares import PARTS, cases_behind, shares, total_of
from dispatch.routing.words import Words
from dispatch.selectors import NO_RULES

READERS = (
    Role.DISPATCHER,
    Role.SHIFT_SUPERVISOR,
    Role.LEADER,
    Role.INSPECTOR,
    Role.ADMINISTRATOR,
)
SPANS = (7, 30, 90, 365)
PAGE_SIZE = 25


@require_safe
@for_roles(*READERS)
def rules(request: HttpRequest) -> HttpResponse:
    """Show the rules in force in words, with what became of what they suggested."""
    now, days = clock.now(), chosen_days(request)
    current = rules_in_force(request.user.city_id)
    counted = shares(request.user.city, *span_of(days, now))
    by_rule = {share.rule: share for share in counted}
    book = book_of(current.pk) if current else NO_RULES
    known = lines(book)
    codes = {line.rule.code for line in known}
    rows = [(line, by_rule.get(line.rule.code)) for line in known]
    context = {
        "now": now,
        "days": days,
        "spans": [(span, span == days) for span in SPANS],
        "current": current,
        "rows": rows,
        "automatic_types": Words(book).automatic_types(),
        "others": [share for share in counted if share.rule not in codes],
        "total": total_of(counted) if counted else None,
    }
    return render(request, "dispatch/rules.html", context)


@require_safe
@for_roles(*READERS)
def rule_cases(request: HttpRequest) -> HttpResponse:
    """List the cases behind one count of the rules' page that the reader may see."""
    now, days, part = clock.now(), chosen_days(request), request.GET.get("part", "given_out")
    if part not in PARTS:
        raise Http404
    code = request.GET.get("rule")
    if code is not None and "\x00" in code:
        raise Http404
    behind = cases_behind(request.user.city, *span_of(days, now), rule=code, part=part)
    seen = Case.objects.visible_to(request.user).filter(pk__in=behind.order_by().values("pk"))
    page = cursor_page(
        request,
        seen.select_related("type", "department", "district", "street"),
        size=PAGE_SIZE,
        field="reported_at",
    )
    current = rules_in_force(request.user.city_id)
    book = book_of(current.pk) if current else None
    rule = book.by_code.get(code) if book and code else None
    context = {
        "now": now,
        "rows": [case_row(case, now) for case in page.rows],
        "pager": page,
        **columns_shown(),
        "days": days,
        "part": part,
        "rule": code,
        "rule_name": Words(book).name(rule) if book and rule else code,
    }
    return render(request, "dispatch/rule_cases.html", context)


def chosen_days(request: HttpRequest) -> int:
    """Return how many days back the reader looks."""
    sent = request.GET.get("days", "")
    return int(sent) if sent in map(str, SPANS) else SPANS[1]


def span_of(days: int, now: datetime) -> tuple[datetime, datetime]:
    """Return the last days up to now, from the midnight they begin with."""
    first = timezone.localdate(now) - timedelta(days=days - 1)
    return timezone.make_aware(datetime.combine(first, time.min)), now + timedelta(seconds=1)
