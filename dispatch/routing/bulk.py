"""Giving several cases out at once: what the rules suggest for each, and who helps.

The act itself is that of all bulk acts (``cases.bulk``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from accounts.models import User
from cases.bulk.kinds import BulkKind, bulk_kind_add
from cases.models import Case
from cases.workflow import State
from dispatch.selectors import suggest_department


def suggested(case: Case, now: datetime) -> Mapping[str, Any]:
    """Return the department that the rules suggest, with the reason in words."""
    suggestion = suggest_department(case, now)
    if suggestion.organisation is None:
        return {}
    return {"department": suggestion.organisation.code, "reason": suggestion.reason}


def with_helpers(case: Case, fields: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """Where a row follows the suggestion, the co-operating bodies of its rule are asked too."""
    suggestion = suggest_department(case, now)
    body = suggestion.organisation
    if body is None or body.code != fields.get("department"):
        return {}
    return {"cooperating": suggestion.cooperating}


def at_own_desk(user: User) -> Q:
    """Return the filed and returned cases of somebody's desk."""
    return Q(desk=user.organisation_id, state__in=(State.FILED, State.REWORK))


def register() -> None:
    """Let cases be given out several at once."""
    bulk_kind_add(
        BulkKind(
            "dispatch",
            each=("department", "reason"),
            optional=("reason",),
            suggest=suggested,
            complete=with_helpers,
            offered=at_own_desk,
        )
    )
