"""Who of a squad is on duty when, and what is asked of the squad."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User


class SquadProfile(models.Model):
    """What a squad is kept for: a standing one has a roster, a contractor is called when needed."""

    class Kind(models.TextChoices):
        STANDING = "standing", _("Standing squad")
        CONTRACTOR = "contractor", _("Contractor on call")

    organisation = models.OneToOneField(
        Organisation,
        models.CASCADE,
        related_name="squad_profile",
        limit_choices_to={"kind": Organisation.Kind.SQUAD},
        verbose_name=_("squad"),
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.STANDING)
    duty_phone = models.CharField(_("duty phone"), max_length=30, blank=True)
    least_on_duty = models.PositiveSmallIntegerField(
        _("least on duty"), default=1, help_text=_("fewer at any hour is a hole in the roster")
    )

    class Meta:
        verbose_name = _("squad")
        verbose_name_plural = _("squads")

    def __str__(self) -> str:
        return self.organisation.name


class Shift(models.Model):
    """One person's duty, from a moment to another: half-open, nobody twice at once."""

    squad = models.ForeignKey(SquadProfile, models.CASCADE, related_name="shifts")
    person = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("person"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("to"))

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ["starts_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="shift_has_length"
            ),
            ExclusionConstraint(
                name="nobody_on_duty_twice",
                expressions=[
                    ("person", RangeOperators.EQUAL),
                    (
                        Func(
                            F("starts_at"),
                            F("ends_at"),
                            function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["squad", "starts_at"], name="shift_of_squad")]

    def __str__(self) -> str:
        return f"{self.person} {timezone.localtime(self.starts_at):%m-%d %H:%M}"
