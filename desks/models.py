"""What a replay of requests from a file remembers, so that none is lost or taken twice."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models import Case


class ReplayedFile(models.Model):
    """A file of requests and by how much its days are moved: fixed with its first replay."""

    digest = models.CharField(_("SHA-256 of its rows"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    shift_days = models.PositiveIntegerField(_("moved by days"))

    class Meta:
        verbose_name = _("replayed file")
        verbose_name_plural = _("replayed files")


class ReplayedRequest(models.Model):
    """A request of a file and the case it became; its key is the file's own."""

    key = models.CharField(_("key in the file"), max_length=60, unique=True)
    case = models.OneToOneField(Case, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("replayed request")
        verbose_name_plural = _("replayed requests")
