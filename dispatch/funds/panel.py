"""The proxy panel of the case page: quotes, cost and money, for whoever may see them.

It asks the database as much as the page itself, which therefore fetches it after it is drawn.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import VIEW_FUNDS, Role, may
from cases.models import ApprovalRequest, Case, ReasonCode
from cases.panels import CasePanel, register_case_panel
from cases.parts import parts_of
from cases.workflow import RequestKind
from dispatch.funds.actions import offered_actions
from dispatch.funds.models import ProxyWork, Quote
from dispatch.funds.presenters import action_row, entry_row
from dispatch.funds.selectors import holds_desk, is_of_squad, work_file, works_visible_to

QUOTE_LABEL = _("Enter a quote")


def awaited_panel(case: Case, user: User, _now: datetime) -> dict[str, Any] | None:
    """Return where the page fetches the panel from, if there may be one: no query of its own."""
    if not may(user.roles, VIEW_FUNDS) and Role.PROXY_SQUAD not in user.roles:
        return None
    if all(each.kind != RequestKind.PROXY for each in parts_of(case).requests):
        return None  # every work begins with a request
    return {"address": reverse("funds:panel", args=[case.number])}


def proxy_panel(case: Case, user: User, now: datetime) -> dict[str, Any] | None:
    """Return the panel of a case's newest work, or of the quotes asked for before one begins.

    A squad sees its own quotes, not what others would do it for.
    """
    if awaited_panel(case, user, now) is None:
        return None
    works = works_visible_to(user).filter(case=case)
    work = works.select_related("case__desk", "squad", "year__fund", "request").first()
    before = _before(case, user) if work is None or work.ended_at is not None else None
    if work is None or before is not None:
        return before
    file = work_file(work)
    back = reverse("cases:detail", args=[case.number])
    offered = offered_actions(file, user)
    buttons = [
        action_row(each, reverse("funds:act", args=[work.pk, name]), back)
        for name, each in offered.items()
    ]
    if work.ended_at is None and file.accepted is None and _may_offer(user, case, work):
        buttons.insert(0, _quote_button(case, back))
    return {
        "work": work,
        "file": file,
        "quotes": _quotes_for(user, file.quotes, work),
        "lowest_fen": min((row.amount_fen for row in file.quotes), default=None),
        "entries": [entry_row(entry) for entry in file.entries],
        "buttons": buttons,
        "ground": _ground(work),
        "may_see_fund": may(user.roles, VIEW_FUNDS),
        "now": now,
    }


def _before(case: Case, user: User) -> dict[str, Any] | None:
    """Return what stands there while the leader has not decided: the quotes, to be compared."""
    if not may(user.roles, VIEW_FUNDS) or not case.is_open:
        return None
    request = next(
        (
            each
            for each in parts_of(case).requests
            if each.kind == RequestKind.PROXY and each.status == ApprovalRequest.Status.OPEN
        ),
        None,
    )
    if request is None or "estimate_fen" not in request.details:
        return None
    quotes = Quote.objects.filter(case=case, run=case.run).exclude(state=Quote.State.REPLACED)
    back = reverse("cases:detail", args=[case.number])
    return {
        "work": None,
        "estimate_fen": request.details["estimate_fen"],
        "quotes": list(quotes.select_related("bidder", "entered_by")),
        "buttons": [_quote_button(case, back)] if holds_desk(user, case) else [],
    }


def _may_offer(user: User, case: Case, work: ProxyWork) -> bool:
    return holds_desk(user, case) or is_of_squad(user, work.squad)


def _quotes_for(user: User, quotes: list[Quote], work: ProxyWork) -> list[Quote]:
    if may(user.roles, VIEW_FUNDS):
        return quotes
    return [row for row in quotes if row.bidder_id == work.squad_id]


def _quote_button(case: Case, back: str) -> dict[str, Any]:
    return {
        "label": QUOTE_LABEL,
        "icon": "edit",
        "url": reverse("funds:quote", args=[case.number]),
        "back": back,
        "asks": True,
    }


def _ground(work: ProxyWork) -> ReasonCode | None:
    return ReasonCode.objects.filter(action="request_proxy", code=work.request.reason_code).first()


def register() -> None:
    """Let the panel stand on the case page."""
    register_case_panel(CasePanel("proxy", "dispatch/funds/_panel_awaited.html", awaited_panel, 20))
