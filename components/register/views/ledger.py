"""The ledger: which components there are, by filters that stand in the address."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access import for_roles
from accounts.roles import CHANGE_BODIES, EXPORT_REGISTER, Role, may
from common import clock
from common.errors import DomainError
from common.paging import KeyPage
from common.rows import rows_estimate
from components.models import Component
from components.register.filters import IN_USE, Narrowed, register_filter
from components.register.ledger import Total, figure_of, ledger_page, ledger_total, orders_for
from components.register.models import BodyRole, Export
from components.register.presenters import (
    COLUMNS,
    USUAL_COLUMNS,
    columns_of,
    filter_choices,
    filter_words,
    ledger_row,
    ledger_url,
    more_choices,
    order_choices,
)
from components.register.search import readings_of
from components.selectors import CODE_DIGITS

USUAL = {"use": [IN_USE], "role": [BodyRole.MAINTAINER.value], "column": list(USUAL_COLUMNS)}


@require_safe
@for_roles(*Role)
def ledger(request: HttpRequest) -> HttpResponse:
    """List the components a person may see; a whole code opens its record."""
    wanted = request.GET.get("q", "").strip()
    visible = Component.objects.visible_to(request.user)
    if is_whole_code(wanted) and visible.filter(code=wanted).exists():
        return redirect("components:record", wanted)
    error = None
    try:
        narrowed = register_filter(request.user, request.GET.dict())
        about = rows_estimate(narrowed.rows)
        rows, page = ledger_page(
            narrowed,
            cursor=request.GET.get("cursor", ""),
            ordering=request.GET.get("ordering", ""),
            about=about,
        )
        total = total_of(narrowed, page, about)
    except DomainError as refused:
        error = {"message": refused.message, "details": _details(refused)}
        narrowed = Narrowed(Component.objects.none(), {})
        rows, page, total, about = [], KeyPage([], "", ""), Total(0), 0
    columns, address = columns_of(request.GET.getlist("column")), short_address(request.GET)
    roles = request.user.roles
    context: dict[str, Any] = {
        "now": clock.now(),
        "error": error,
        "columns": columns,
        "rows": [ledger_row(row, columns) for row in rows],
        "total": figure_of(total),
        "pager": {side: _at(request.GET, getattr(page, side)) for side in ("previous", "next")},
        "words": filter_words(narrowed),
        "query": narrowed.query,
        "chosen": request.GET,
        "readings": other_readings(request, narrowed),
        "choices": filter_choices(request.user, request.GET),
        "more": more_choices(),
        "orders": order_choices(orders_for(narrowed, about)),
        "all_columns": [(name, each.label, name in columns) for name, each in COLUMNS.items()],
        "more_count": sum(name in address for name in MORE),
        "formats": Export.Format.choices if may(roles, EXPORT_REGISTER) else [],
        "may_change_bodies": may(roles, CHANGE_BODIES),
    }
    template = "components/_ledger.html" if request.htmx else "components/ledger.html"
    response = render(request, template, context, status=400 if error else 200)
    if request.htmx:
        response["HX-Push-Url"] = f"{request.path}?{address.urlencode()}"
    return response


MORE = (
    "ending", "accuracy", "surveyed_from", "surveyed_before", "road", "bbox", "use", "open_cases",
)  # fmt: skip


def short_address(query: QueryDict) -> QueryDict:
    """Return what a colleague needs to see the same: neither empty choices nor the usual ones."""
    short = query.copy()
    for name, values in query.lists():
        if not any(values) or values == USUAL.get(name):
            del short[name]
    if "body" not in short and "q" not in short:
        short.pop("role", None)
    return short


def total_of(narrowed: Narrowed, page: KeyPage, about: int) -> Total:
    """Return how many there are: what stands on the only page, else about."""
    if not page.previous and not page.next:
        return Total(len(page.ids))
    return ledger_total(narrowed.rows, about)


def other_readings(request: HttpRequest, narrowed: Narrowed) -> list[dict[str, Any]]:
    """Return what else the text in the search box may mean, each with its address."""
    text = narrowed.query.get("q", "")
    if not text:
        return []
    found = readings_of(text, city_id=request.user.city_id)
    chosen = narrowed.query.get("read_as") or found[0].kind
    return [
        {
            "label": reading.label,
            "words": reading.words,
            "url": ledger_url(narrowed.query, read_as=reading.kind),
            "is_chosen": reading.kind == chosen,
        }
        for reading in found
    ]


def _details(refused: DomainError) -> list[str]:
    texts = [text for several in refused.fields.values() for text in several]
    return [str(text) for text in texts if text != refused.message]


def is_whole_code(text: str) -> bool:
    return len(text) == CODE_DIGITS and text.isascii() and text.isdigit()


def _at(query: QueryDict, cursor: str) -> str:
    if not cursor:
        return ""
    query = query.copy()
    query["cursor"] = cursor
    return f"?{query.urlencode()}"
