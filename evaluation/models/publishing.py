"""Evaluations of a period that are or will be published, and their rankings as they are frozen."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from evaluation.models.scorecards import ObjectKind
from evaluation.periods import PERIOD_LABELS, Period, PeriodKind

CLOSABLE = [(k.value, PERIOD_LABELS[k]) for k in PeriodKind if k is not PeriodKind.LIVE]


class EvaluationPeriod(models.Model):
    """The evaluation of a period (number 0), or a supplement that corrects it (1, 2, …).

    A trigger keeps what is published, and its rankings, as they are.
    """

    class State(models.TextChoices):
        """How far it has come."""

        DRAFT = "draft", pgettext_lazy("evaluation", "Draft")
        CHECKED = "checked", pgettext_lazy("evaluation", "Checked")
        PUBLISHED = "published", pgettext_lazy("evaluation", "Published")

    kind = models.CharField(_("kind"), max_length=8, choices=CLOSABLE)
    first_date = models.DateField(_("first day"))
    end_date = models.DateField(_("day after the last"))
    number = models.PositiveSmallIntegerField(_("supplement"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DRAFT)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(_("opened at"))
    checked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField(_("checked at"), null=True)
    published_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField(_("published at"), null=True)
    position = models.BigIntegerField(_("facts up to the event"), null=True)
    entries = models.BigIntegerField(_("counter-entries up to"), null=True)
    formulas = models.CharField(_("version of the formulas"), max_length=12, blank=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("evaluation of a period")
        verbose_name_plural = _("evaluations of periods")
        ordering: ClassVar = ["-first_date", "kind", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "first_date", "number"], name="one_evaluation_of_a_period"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(position__isnull=False, checked_by__isnull=False),
                name="checked_evaluation_has_figures",
            ),
            models.CheckConstraint(
                condition=~Q(state="published")
                | (Q(published_by__isnull=False) & ~Q(published_by=F("checked_by"))),
                name="who_publishes_did_not_check",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.first_date} · {self.number}"

    @property
    def period(self) -> Period:
        """The days it is about."""
        return Period(self.first_date, self.end_date, PeriodKind(self.kind))


class FrozenRanking(models.Model):
    """One kind of object of an evaluation: the canonical JSON that its hash is taken of."""

    evaluation = models.ForeignKey(EvaluationPeriod, models.CASCADE, related_name="rankings")
    kind = models.CharField(_("what is ranked"), max_length=20, choices=ObjectKind.choices)
    content = models.TextField(_("content"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)

    class Meta:
        verbose_name = _("frozen ranking")
        verbose_name_plural = _("frozen rankings")
        ordering: ClassVar = ["evaluation", "kind"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["evaluation", "kind"], name="a_kind_is_frozen_once"),
        ]

    def __str__(self) -> str:
        return f"{self.evaluation_id} {self.kind}"
