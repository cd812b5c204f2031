"""Pages about the rules: what they say, how they do, and giving several cases out at once."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import for_roles
from accounts.roles import Role
from cases.choices import departments_for
from cases.models import Case
from cases.presenters import case_row
from common import clock
from common.paging import cursor_page
from dispatch.routing.batch import MOST, Line, batch_dispatch, cases_chosen
from dispatch.routing.facts import book_of, rules_in_force
from dispatch.routing.review import lines
from dispatch.routing.shares import PARTS, cases_behind, shares, total_of
from dispatch.routing.words import Words
from dispatch.selectors import suggest_department

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
    known = lines(book_of(current.pk)) if current else []
    codes = {line.rule.code for line in known}
    rows = [(line, by_rule.get(line.rule.code)) for line in known]
    context = {
        "now": now,
        "days": days,
        "spans": [(span, span == days) for span in SPANS],
        "current": current,
        "rows": rows,
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


# ── several at once ───────────────────────────────────────────────────────────────────────────


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.DISPATCHER)
def batch(request: HttpRequest) -> HttpResponse:
    """Show the cases chosen on the desk with what the rules suggest; give them out."""
    now = clock.now()
    back = f"{reverse('dispatch:dispatch')}?{urlencode({'queue': 'filed'})}"
    context: dict[str, Any] = {"now": now, "back": back}
    if request.method == "POST":
        key = request.POST.get("key", "")
        if not 0 < len(key) <= 60 or "\x00" in key:
            raise Http404
        sent = sent_lines(request.POST)
        results = batch_dispatch(lines=sent, actor=request.user, now=now, key=key)
        done = sum(result.is_done for result in results)
        context |= {"results": results, "done": done, "refused": len(results) - done}
        return render(request, "dispatch/batch.html", context)
    cases = list(cases_chosen(request.user, request.GET.getlist("case")))
    context["rows"] = [
        case_row(case, now)
        | {"suggestion": suggest_department(case, now), "departments": departments_for(case)}
        for case in cases
    ]
    return render(request, "dispatch/batch.html", context)


def sent_lines(sent: QueryDict) -> list[Line]:
    """Read the rows of the form; a row without a department is left out."""
    found = []
    for number in dict.fromkeys(sent.getlist("case")):
        version = sent.get(f"version-{number}", "")
        department = sent.get(f"department-{number}", "")
        if not number.isdigit() or len(number) > 20 or not version.isdigit() or not department:
            continue
        if len(version) < 10 and len(found) < MOST:
            reason = sent.get(f"reason-{number}", "")
            found.append(Line(number, int(version), department, reason))
    return found
