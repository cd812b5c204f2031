"""Posts and chains of approval in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import ApprovalRequest
from cases.workflow import REQUEST_LABELS, Post, RequestKind
from common.durations import limit_text
from components.models import LimitUnit

POST_NAMES: dict[str, str | Promise] = {
    Post.COL.value: gettext_lazy("collector"),
    Post.ACC.value: gettext_lazy("acceptor"),
    Post.SUP.value: gettext_lazy("shift supervisor"),
    Post.DSP.value: gettext_lazy("dispatcher"),
    Post.DEP.value: gettext_lazy("department"),
    Post.COO.value: gettext_lazy("co-operating department"),
    Post.PXY.value: gettext_lazy("proxy squad"),
    Post.LDR.value: gettext_lazy("leader"),
    Post.SYS.value: gettext_lazy("system"),
    "ADM": gettext_lazy("administrator"),
}


def posts_words(posts: Iterable[str]) -> str:
    """Return posts that stand for each other: dispatcher or leader."""
    return _(" or ").join(str(POST_NAMES[post]) for post in posts)


def chain_words(steps: Iterable[Iterable[str]]) -> str:
    """Return the steps of a chain in their order: dispatcher → leader."""
    return " → ".join(posts_words(step) for step in steps)


def request_words(request: ApprovalRequest) -> str:
    """Return what is asked for, with how much and until when where that matters."""
    label = str(REQUEST_LABELS[RequestKind(request.kind)])
    value, unit = request.details.get("value"), request.details.get("unit")
    if value and unit:
        amount = Decimal(value)
        is_whole = amount == int(amount)
        size = limit_text(int(amount), unit) if is_whole else f"{value} {LimitUnit(unit).label}"
        return f"{label} {size}"
    if review_at := request.details.get("review_at"):
        day = timezone.localtime(datetime.fromisoformat(review_at))
        return _("%(request)s until %(day)s") % {"request": label, "day": f"{day:%Y-%m-%d}"}
    return label
