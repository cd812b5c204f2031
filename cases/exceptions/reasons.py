"""Reasons of requests as a city names them."""

from __future__ import annotations

from cases.models import ReasonCode
from cases.workflow import ARROWS, Asks, RequestKind
from common.templatetags.ui import named

ASKED_AS: dict[str, str] = {
    arrow.request[1].value: arrow.action
    for arrow in ARROWS
    if arrow.request and arrow.request[0] is Asks.ASK
}


def reason_names(kind: str) -> dict[str, str]:
    """Return the name of every reason of a kind by its code, those no longer used too."""
    rows = ReasonCode.objects.filter(action=ASKED_AS[RequestKind(kind).value])
    return {row.code: named(row) for row in rows}
