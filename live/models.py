"""The numbered event log: the order in which what is committed became visible.

An event's id is not commit order: one with a lower id can appear after a higher one was read. So a
single sequencer gives each committed event the next position; readers follow positions and can
neither skip nor repeat.
"""

from __future__ import annotations

from django.db import models

from cases.models import CaseEvent
from common.models import AppendOnlyModel


class EventPosition(AppendOnlyModel):
    """The place of an event in the log, given once."""

    position = models.BigIntegerField(primary_key=True)
    # Events cannot be deleted, so the database need not lock each one to keep it.
    event = models.OneToOneField(
        CaseEvent, models.PROTECT, related_name="numbered", db_constraint=False
    )

    def __str__(self) -> str:
        return str(self.position)
