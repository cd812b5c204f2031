"""Every time a desk was switched on or off, or was to be: the record of the rollout."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User


class DeskSwitch(models.Model):
    """One act of an administrator: a desk works from a day on, or no longer.

    Planned until its day comes, then applied, then settled once every case that goes with it has
    moved; a planned one may be withdrawn. Rows stay: undoing is the opposite switch.
    """

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="desk_switches", verbose_name=_("desk")
    )
    is_on = models.BooleanField(_("on"))
    effective_date = models.DateField(_("from"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    moved_count = models.PositiveIntegerField(_("cases moved"), default=0)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("switch of a desk")
        verbose_name_plural = _("switches of desks")
        ordering = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation"],
                condition=Q(applied_at__isnull=True, withdrawn_at__isnull=True),
                name="one_planned_switch_a_desk",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(applied_at__isnull=True),
                name="applied_switch_is_not_withdrawn",
            ),
        ]
