"""The rows of cases on a screen, as they are now."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from cases.models import Case
from cases.presenters import badge, waiting_clock
from common import clock
from common.templatetags.ui import clock_chip, state_badge
from live.services import head

MOST_ROWS = 50


@require_safe
def rows(request: HttpRequest) -> HttpResponse:
    """Return badge and clock of these cases, and which of them the reader may not see.

    Two queries, however many; ``position`` is what the answer is true for at least.
    """
    numbers = [each for each in request.GET.get("cases", "").split(",") if each.isalnum()]
    numbers = numbers[:MOST_ROWS]
    position, now = head(), clock.now()
    cases = Case.objects.visible_to(request.user).filter(number__in=numbers).order_by()
    found = {
        case.number: {
            "version": case.version,
            "badge": state_badge(badge(case)),
            "clock": clock_chip(waiting_clock(case, now)),
        }
        for case in cases.only(
            "number", "version", "state", "clock_kind", "warn_at", "due_at", "review_at"
        )
    }
    gone = [number for number in numbers if number not in found]
    return JsonResponse({"position": position, "rows": found, "gone": gone})
