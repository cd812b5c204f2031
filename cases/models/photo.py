"""Photos: decoded and re-encoded, content addressed; place and time of the camera kept apart."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from grid.models import SRID


class Photo(models.Model):
    """One upload of one person; the pixels live under the media root by their own hash."""

    owner = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        related_name="photos",
        help_text=_("null: sent by somebody without a log-in, for one case"),
    )
    sha256 = models.CharField(max_length=64, db_index=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size_bytes = models.PositiveIntegerField()
    uploaded_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, help_text=_("from EXIF"))
    taken_point = models.PointField(
        srid=SRID, null=True, spatial_index=False, help_text=_("from EXIF")
    )

    class Meta:
        verbose_name = _("photo")
        verbose_name_plural = _("photos")


class CasePhoto(models.Model):
    """A photo's place in a case."""

    class Purpose(models.TextChoices):
        BEFORE = "before", _("Before")
        CONFIRM = "confirm", _("Confirmation")
        AFTER = "after", _("After")
        CHECK = "check", _("Check")
        EVIDENCE = "evidence", _("Evidence")

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="photos")
    photo = models.ForeignKey(Photo, models.PROTECT, related_name="uses", db_index=False)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    run = models.PositiveSmallIntegerField()
    event_sequence = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("photo of a case")
        verbose_name_plural = _("photos of a case")
        ordering = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["photo"], name="photo_used_once"),
        ]
