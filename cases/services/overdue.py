"""What the system does by itself when a date has come: through the door, one case at a time.

An open field task goes back to the acceptors once it has been overdue for the city's grace
(``CasePolicy.field_task_grace_minutes``, natural minutes; two hours where a city has set none). A
suspended case goes on at its review date. Both may run in several workers at once and be repeated:
the door locks the case, and refuses whoever comes second.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.expressions import ExpressionWrapper
from django.db.models.fields import DurationField
from django.db.models.functions import Coalesce

from cases.models import Case, CasePolicy, FieldTask
from cases.services.act import case_act
from cases.workflow import State
from common.errors import DomainError, refusal_of

logger = logging.getLogger(__name__)

BATCH = 500
MINUTE = timedelta(minutes=1)
DEFAULT_GRACE = CasePolicy._meta.get_field("field_task_grace_minutes").default


def overdue_tasks_release(*, now: datetime) -> int:
    """Take back field tasks overdue beyond the grace; returns how many.

    Uses the partial index field_task_open: open tasks only.
    """
    grace = Coalesce(F("case__city__casepolicy__field_task_grace_minutes"), DEFAULT_GRACE)
    released_at = ExpressionWrapper(F("due_at") + grace * MINUTE, output_field=DurationField())
    late = (
        FieldTask.objects.filter(ended_at__isnull=True, due_at__lt=now)
        .annotate(released_at=released_at)
        .filter(released_at__lte=now)
    )
    case_ids = late.order_by("due_at").values_list("case_id", flat=True)[:BATCH]
    return _act_on(case_ids, "recall", now)


def suspended_wake(*, now: datetime) -> int:
    """Resume suspended cases whose review date has come; returns how many.

    Uses the partial index case_review.
    """
    due = Case.objects.filter(state=State.SUSPENDED.value, review_at__lte=now)
    case_ids = due.order_by("review_at").values_list("pk", flat=True)[:BATCH]
    return _act_on(case_ids, "resume", now)


def _act_on(case_ids: Iterable[int], action: str, now: datetime) -> int:
    done = 0
    for case_id in list(case_ids):
        try:
            with transaction.atomic():
                case_act(case_id=case_id, action=action, actor=None, now=now)
            done += 1
        except (DomainError, OperationalError) as error:
            # Somebody was quicker, or is at it right now: the next run looks again.
            refusal = refusal_of(error)
            if refusal is None:
                raise
            logger.info("The system did not %s case %s: %s", action, case_id, refusal.code)
    return done
