"""Which level of desk a filed case goes to: rules a city edits."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import City
from components.models import CaseType, TypeClass, TypeKind
from grid.models import Area


class DeskRule(models.Model):
    """One line: the first that fits a case says whether the city's or the district's desk gets it.

    What is left empty fits everything. Where no line fits, or the district has no desk that works,
    the city's desk gets the case (docs/rules/desks.md).
    """

    class Level(models.TextChoices):
        CITY = "city", _("the city's desk")
        DISTRICT = "district", _("the district's desk")

    city = models.ForeignKey(City, models.CASCADE, verbose_name=_("city"))
    position = models.PositiveSmallIntegerField(
        _("position"), help_text=_("lines are tried in this order; the first that fits decides")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=TypeKind.choices, blank=True)
    type_class = models.ForeignKey(
        TypeClass, models.PROTECT, null=True, blank=True, verbose_name=_("class of types")
    )
    type = models.ForeignKey(
        CaseType, models.PROTECT, null=True, blank=True, verbose_name=_("type")
    )
    area = models.ForeignKey(
        Area,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("area"),
        help_text=_("district, street or community; empty: the whole city"),
    )
    level = models.CharField(_("goes to"), max_length=8, choices=Level.choices)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("rule of the desk")
        verbose_name_plural = _("rules of the desk")
        ordering = ["city", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["city", "position"], name="desk_rule_position"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.get_level_display()}"
