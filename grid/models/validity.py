"""Rows that hold between two days: versioned, never overwritten."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _


def validity_range() -> Func:
    """Return the half-open date range [valid_from, valid_to) of a row, for constraints."""
    return Func(
        F("valid_from"), F("valid_to"), function="daterange", output_field=models.DateField()
    )


class Validity(models.Model):
    """Dates between which a row holds: [valid_from, valid_to)."""

    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Refuse a row that ends before it begins; one that ends on its first day never holds."""
        super().clean()
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValidationError({"valid_to": _("It cannot end before it begins.")})


class ValidityQuerySet(models.QuerySet):
    """Rows by the day on which they hold."""

    def valid_on(self, day: date) -> Self:
        """Keep the rows that hold on ``day``."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day), valid_from__lte=day)


ValidityManager = models.Manager.from_queryset(ValidityQuerySet)
