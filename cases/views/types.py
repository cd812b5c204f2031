"""The search for a type, as a list of options under its field."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cases.models import Case
from cases.selectors import case_get_visible, types_lately
from common import clock
from common.templatetags.ui import named
from components.models import CaseType
from components.selectors import components_nearest, types_search
from components.type_matching import marked

MOST_SHOWN = 12
NEAR_COUNT, NEAR_M = 20, 30


@require_safe
def type_options(request: HttpRequest) -> HttpResponse:
    """Return the types whose name, pinyin, initials, alias or code fit, as options.

    For a report: the whole name or code first, then what stands near on the ground, then what is
    reported most.
    """
    text = request.GET.get("search", "").replace("\0", "").strip()[:60]
    on = timezone.localdate(clock.now())
    number = request.GET.get("near", "")
    near = types_near(case_get_visible(user=request.user, number=number)) if number else Counter()
    lately = types_lately(request.user.city_id) if number else Counter()
    found = types_search(text, on)
    sure = {row.code for row in found if text.lower() in (row.code.lower(), row.name)}
    found.sort(key=lambda row: (row.code not in sure, -near[row.code], -lately[row.code]))
    context = {
        "options": [type_option(row, text, near[row.code]) for row in found[:MOST_SHOWN]],
        "rest": max(len(found) - MOST_SHOWN, 0),
        "text": text,
    }
    return render(request, "ui/_type_options.html", context)


def types_near(case: Case) -> Counter[str]:
    """Return how many components of each type stand within a few steps of the report."""
    nearest = components_nearest(case.point.x, case.point.y, limit=NEAR_COUNT)
    return Counter(each.type.code for each in nearest if each.away_m <= NEAR_M)


def type_option(case_type: CaseType, text: str, near: int) -> dict[str, Any]:
    """Return one option, with what was typed set apart in name, sound and alias."""
    own = marked(case_type.name, text)
    aliases = case_type.aliases.all() if text and not own.is_hit else ()
    alias = next((hit for hit in (marked(row.name, text) for row in aliases) if hit.is_hit), None)
    name = named(case_type)
    return {
        "code": case_type.code,
        "label": f"{case_type.code[1:]} {name}",
        "parts": own.name if name == case_type.name else _in_english(name, text),
        "sound": (alias or own).sound,
        "alias": alias.name if alias else [],
        "near": near,
    }


def _in_english(name: str, text: str) -> list[tuple[str, bool]]:
    at = name.lower().find(text.lower()) if text else -1
    if at < 0:
        return [(name, False)]
    end = at + len(text)
    return [(name[:at], False), (name[at:end], True), (name[end:], False)]
