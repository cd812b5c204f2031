"""The page “How was this deadline computed?” of one clock."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cases.case_page import charged_to, clock_chip_of, used_time
from cases.clock_page import allowance_rows, part_rows, step_rows
from cases.deadlines.explanation import deadline_explain
from cases.selectors import case_get_visible
from cases.workflow import CLOCK_LABELS, ClockKind
from common import clock as city_clock


@require_safe
def clock_detail(request: HttpRequest, number: str, clock_id: int) -> HttpResponse:
    """Show the slots, pauses, grants and versions a deadline was computed from."""
    case, now = case_get_visible(user=request.user, number=number), city_clock.now()
    related = ("organisation", "person", "standard", "stage_limit", "calendar_version__calendar")
    clock = case.clocks.select_related(*related).filter(pk=clock_id).first()
    if clock is None:
        raise Http404
    clock.case = case
    explained = deadline_explain(clock)
    context = {
        "now": now,
        "case": case,
        "clock": clock,
        "label": CLOCK_LABELS[ClockKind(clock.kind)],
        "chip": clock_chip_of(clock, now),
        "used": used_time(clock, now),
        "explained": explained,
        **charged_to(clock),
    }
    if explained is not None:
        context |= {
            "parts": part_rows(explained),
            "allowances": allowance_rows(explained),
            "steps": step_rows(explained, now),
        }
    return render(request, "cases/clock.html", context)
