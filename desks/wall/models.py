"""The screens that hang on walls, what they were told to show, and the keys that open them.

What a wall shows is the last order it was given: orders are only ever added, so that who told it
what, and when, stays known.
"""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import City, User
from common.models import AppendOnlyModel
from grid.models import Area

LEAST_SECONDS, MOST_SECONDS = 5, 600


class Wall(models.Model):
    """One screen: what it is called, how far it sees, how it goes round."""

    class Language(models.TextChoices):
        CHINESE = "zh-hans", _("Simplified Chinese")
        ENGLISH = "en", _("English")

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    district = models.ForeignKey(
        Area,
        models.PROTECT,
        null=True,
        blank=True,
        limit_choices_to={"level": Area.Level.DISTRICT, "valid_to": None},
        related_name="+",
        verbose_name=_("district"),
        help_text=_("empty: the whole city"),
    )
    language = models.CharField(
        _("language"),
        max_length=8,
        choices=Language.choices,
        default=Language.CHINESE,
        help_text=_("of a screen without a person; people read it in their own"),
    )
    scene_seconds = models.PositiveSmallIntegerField(
        _("seconds a scene"),
        default=20,
        validators=[MinValueValidator(LEAST_SECONDS), MaxValueValidator(MOST_SECONDS)],
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("wall")
        verbose_name_plural = _("walls")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class WallOrder(AppendOnlyModel):
    """What somebody told a wall to show; the last one holds. No scene: go round."""

    wall = models.ForeignKey(Wall, models.PROTECT, related_name="orders", verbose_name=_("wall"))
    scene = models.SlugField(_("scene"), max_length=40, blank=True)
    district = models.ForeignKey(
        Area, models.PROTECT, null=True, related_name="+", verbose_name=_("district")
    )
    is_held = models.BooleanField(_("held"), default=False)
    actor = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("order to a wall")
        verbose_name_plural = _("orders to walls")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.wall_id} {self.scene}"


class KioskKey(models.Model):
    """Opens a wall without a person's log-in, read-only, until it is revoked.

    Only a digest of the key is stored: who reads the database cannot open the wall.
    """

    wall = models.ForeignKey(Wall, models.PROTECT, related_name="keys", verbose_name=_("wall"))
    label = models.CharField(_("where it hangs"), max_length=80, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("made by"))
    made_at = models.DateTimeField(_("made at"))
    seen_at = models.DateTimeField(_("last seen at"), null=True)
    revoked_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("revoked by")
    )
    revoked_at = models.DateTimeField(_("revoked at"), null=True)

    class Meta:
        verbose_name = _("key of a wall")
        verbose_name_plural = _("keys of walls")
        ordering = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(revoked_at__isnull=True, revoked_by__isnull=True)
                | models.Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="kiosk_key_revoked_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wall} {self.label}".strip()
