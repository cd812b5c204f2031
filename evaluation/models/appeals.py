"""Appeals on whom a fact is charged to, and the counter-entries that come of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from evaluation.models.facts import Fact, FactColumns


class Appeal(models.Model):
    """A department says that a fact is not its own, or that it was not late."""

    class Kind(models.TextChoices):
        """What is asked for."""

        NOT_OURS = "not_ours", pgettext_lazy("appeal", "Not ours")
        NOT_LATE = "not_late", pgettext_lazy("appeal", "Not late")

    class State(models.TextChoices):
        """What became of it."""

        OPEN = "open", pgettext_lazy("appeal", "Waits for a decision")
        UPHELD = "upheld", pgettext_lazy("appeal", "Upheld")
        REJECTED = "rejected", pgettext_lazy("appeal", "Rejected")
        REVERSED = "reversed", pgettext_lazy("appeal", "Upheld, then reversed")

    fact = models.ForeignKey(Fact, models.PROTECT, related_name="appeals")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="appeals")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    reason = models.CharField(_("reason"), max_length=500)
    filed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    filed_at = models.DateTimeField(_("filed at"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    charged_to = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True)
    answer = models.CharField(_("answer"), max_length=500, blank=True)
    reversed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reversed_at = models.DateTimeField(_("reversed at"), null=True)
    effect = models.JSONField(_("before and after"), default=dict)

    class Meta:
        verbose_name = pgettext_lazy("evaluation", "appeal")
        verbose_name_plural = pgettext_lazy("evaluation", "appeals")
        ordering: ClassVar = ["-filed_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["fact"], condition=Q(state__in=["open", "upheld"]), name="one_appeal_a_fact"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("filed_by")),
                name="who_decides_did_not_appeal",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fact_id} · {self.state}"


class CounterEntry(FactColumns):
    """What an appeal does to figures: a fact taken away (−1), its corrected copy added (+1).

    Facts themselves never change. A reversal adds the same entries with the other sign.
    """

    appeal = models.ForeignKey(Appeal, models.PROTECT, related_name="entries")
    fact = models.ForeignKey(Fact, models.PROTECT, related_name="entries")
    is_original = models.BooleanField(_("of the fact as it was"))
    amount = models.SmallIntegerField(_("amount"))

    class Meta:
        verbose_name = _("counter-entry")
        verbose_name_plural = _("counter-entries")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__in=[-1, 1]), name="entry_takes_or_adds_one"),
        ]
        indexes: ClassVar = [models.Index(fields=["day"], name="counter_entry_day")]

    def __str__(self) -> str:
        return f"{self.amount:+d} {self.kind} {self.fact_id}"
