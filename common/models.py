"""What every app stands on: the mark of append-only tables, the demo's clock, signs of life."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class AppendOnlyModel(models.Model):
    """A table whose rows are written once: triggers refuse changes, the program's role may not try.

    Add `append_only_operations(table)` to the migration that makes the table.
    """

    class Meta:
        abstract = True


class DemoClock(models.Model):
    """The one row that moves a demo city's time. Its existence marks the database as a demo's.

    Virtual time is `virtual_anchor + (real time - real_anchor) * rate`; it never runs backwards.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    real_anchor = models.DateTimeField(_("real time of the last change"))
    virtual_anchor = models.DateTimeField(_("the demo's time at that moment"))
    rate = models.FloatField(_("rate"), default=1.0, validators=[MinValueValidator(0.0)])

    class Meta:
        verbose_name = _("demo clock")
        verbose_name_plural = _("demo clocks")
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="demo_clock_single_row"),
            models.CheckConstraint(condition=models.Q(rate__gt=0), name="demo_clock_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"×{self.rate}"


class Heartbeat(models.Model):
    """When a background process last showed that it lives, in real time."""

    name = models.CharField(_("name"), max_length=40, unique=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name


class Attempt(models.Model):
    """How often somebody tried something in a span of real time; see ``common.throttle``."""

    name = models.CharField(max_length=40)
    key = models.CharField(max_length=64)
    span = models.BigIntegerField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "key", "span"], name="attempts_counted_once"),
        ]
