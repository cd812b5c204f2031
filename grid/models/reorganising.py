"""Reorganisations: plans by which areas change on a day, and what succeeds what."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import City, User
from grid.models.areas import SRID, Area
from grid.models.cells import GridCell
from grid.models.validity import ValidityQuerySet, validity_range


class Reorganisation(models.Model):
    """A plan by which codes, names and borders of areas change on a day; applied and undone as one.

    ``journal`` names the rows that applying made and ended, so that undoing takes back these alone.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Planned")
        APPLIED = "applied", _("In force")
        UNDONE = "undone", _("Undone")

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    name = models.CharField(_("name"), max_length=120)
    effective_date = models.DateField(_("takes effect on"))
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.DRAFT, editable=False
    )
    applied_at = models.DateTimeField(_("applied at"), null=True, editable=False)
    journal = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name = _("reorganisation")
        verbose_name_plural = _("reorganisations")
        ordering = ["-effective_date", "-pk"]

    def __str__(self) -> str:
        return self.name


class ReorganisationLine(models.Model):
    """One tie of a plan: an old code and the code that comes after it; either may be open.

    Without ``new_code`` the successor is to be decided; without ``old_code`` an area is founded.
    """

    reorganisation = models.ForeignKey(
        Reorganisation, models.CASCADE, related_name="lines", verbose_name=_("reorganisation")
    )
    number = models.PositiveIntegerField(_("line of the file"))
    old_code = models.CharField(_("old code"), max_length=12, blank=True, db_index=True)
    old_name = models.CharField(_("old name"), max_length=60, blank=True)
    new_code = models.CharField(_("new code"), max_length=12, blank=True, db_index=True)
    name = models.CharField(_("new name"), max_length=60, blank=True)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    parent = models.CharField(_("code of the parent"), max_length=12, blank=True)
    cells = models.TextField(_("cells"), blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("line of a reorganisation")
        verbose_name_plural = _("lines of a reorganisation")
        ordering = ["number", "pk"]

    def __str__(self) -> str:
        return f"{self.old_code or '–'} → {self.new_code or '?'}"

    @property
    def is_open(self) -> bool:
        """Tell whether somebody has to decide: no successor yet, or no ground yet."""
        return not self.new_code or not (self.old_code or self.cells)


class ReorganisationStep(models.Model):
    """What was done with a reorganisation, by whom; rows are only ever added."""

    class Kind(models.TextChoices):
        READ = "read", _("Plan read")
        DECIDED = "decided", _("Successor decided")
        APPLIED = "applied", _("Applied")
        UNDONE = "undone", _("Undone")

    reorganisation = models.ForeignKey(
        Reorganisation, models.CASCADE, related_name="steps", verbose_name=_("reorganisation")
    )
    kind = models.CharField(_("what was done"), max_length=8, choices=Kind.choices)
    at = models.DateTimeField(_("at"))
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    note = models.CharField(_("note"), max_length=400, blank=True)
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {timezone.localtime(self.at):%Y-%m-%d %H:%M}"


class PastArea(models.Model):
    """What an area was called and where it belonged until a day; its outline where that changed.

    The area's own row says what holds now; an area that never changed has no past.
    """

    area = models.ForeignKey(Area, models.CASCADE, related_name="past")
    code = models.CharField(max_length=12)
    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=100, blank=True)
    parent = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+")
    geometry = models.MultiPolygonField(srid=SRID, null=True, spatial_index=False)
    valid_from = models.DateField()
    valid_to = models.DateField()
    reorganisation = models.ForeignKey(Reorganisation, models.PROTECT, related_name="past_areas")

    objects = ValidityQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            ExclusionConstraint(
                name="area_has_one_past_at_a_time",
                expressions=[
                    ("area", RangeOperators.EQUAL),
                    (validity_range(), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class AreaSuccession(models.Model):
    """An area that ended or lost ground, and one that stands there today, whatever lay between."""

    predecessor = models.ForeignKey(Area, models.CASCADE, related_name="successors")
    successor = models.ForeignKey(Area, models.CASCADE, related_name="predecessors")
    reorganisation = models.ForeignKey(Reorganisation, models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["predecessor", "successor"], name="area_succession_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.predecessor_id} → {self.successor_id}"


class CellSuccession(models.Model):
    """A cell and the one that stands on the same ground under another code."""

    closed = models.ForeignKey(GridCell, models.PROTECT, related_name="+")
    opened = models.ForeignKey(GridCell, models.PROTECT, related_name="+")
    reorganisation = models.ForeignKey(
        Reorganisation, models.PROTECT, related_name="cell_successions"
    )

    def __str__(self) -> str:
        return f"{self.closed_id} → {self.opened_id}"
