"""Proposals of another time limit: a version of a standard that is not in force, with its grounds.

``components.CaseStandard`` knows versions by the days they hold and no drafts: a draft among them
would be in force. So it is kept here until an administrator puts it in force.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from components.models import CaseStandard, LimitUnit
from grid.models import Zone


class LimitProposal(models.Model):
    """Another limit for a standard, for all its zones or for one grade of them."""

    class State(models.TextChoices):
        """What became of it."""

        DRAFT = "draft", pgettext_lazy("proposal", "Draft")
        IN_FORCE = "in_force", pgettext_lazy("proposal", "Put in force")
        REJECTED = "rejected", pgettext_lazy("proposal", "Rejected")

    standard = models.ForeignKey(CaseStandard, models.PROTECT, related_name="proposals")
    zone_grade = models.CharField(
        _("zone grade"),
        max_length=8,
        choices=Zone.Grade.choices,
        blank=True,
        help_text=_("empty: applies in every zone"),
    )
    limit_value = models.DecimalField(_("limit"), max_digits=12, decimal_places=2)
    limit_unit = models.CharField(_("unit"), max_length=16, choices=LimitUnit.choices)
    reason = models.CharField(_("reason"), max_length=500)
    figures = models.JSONField(_("figures it rests on"))
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(_("proposed at"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DRAFT)
    answer = models.CharField(_("answer"), max_length=500, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True)
    version = models.ForeignKey(CaseStandard, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("proposal of a limit")
        verbose_name_plural = _("proposals of limits")
        ordering: ClassVar = ["-proposed_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["standard", "zone_grade"],
                condition=Q(state="draft"),
                name="one_draft_of_a_limit",
            ),
            models.CheckConstraint(
                condition=Q(limit_value__gt=0), name="proposed_limit_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="who_decides_did_not_propose",
            ),
            models.CheckConstraint(
                condition=~Q(state="in_force") | Q(version__isnull=False),
                name="limit_in_force_has_its_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.standard_id} {self.limit_value} {self.limit_unit} · {self.state}"
