"""What the case tells the apps to its right: named events, sent once the change is committed.

A message only wakes a reader; what must not be missed follows the numbered event log, which is
fed by the outbox written in the same transaction.
"""

from __future__ import annotations

from cases.models import Case
from common import events

CASE_CHANGED = "case.changed"


def case_changed(case: Case) -> None:
    """Say that a case was reported or acted on."""
    events.publish(CASE_CHANGED, case_id=case.pk)
