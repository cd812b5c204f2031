"""Acts on several cases at once: kept as one, with what came of each row."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class BulkAct(models.Model):
    """One act on several cases: who (for whom), what, when, and the result of each row.

    Every case's event of it carries ``key`` and the case's number as its idempotency key.
    """

    actor = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    principal = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text=_("for whom, when delegated"),
    )
    action = models.CharField(max_length=24)
    key = models.CharField(max_length=60)
    body_hash = models.CharField(max_length=64)
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text=_("null: was cut off; send it again"))
    results = models.JSONField(default=list, help_text=_("number, done, code, sentence"))
    done_count = models.PositiveSmallIntegerField(default=0)
    refused_count = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("act on several cases")
        verbose_name_plural = _("acts on several cases")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["actor", "key"], name="bulk_act_sent_once"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"
