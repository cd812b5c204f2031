"""What is stored of work on the register: changes asked for, bodies changed in bulk, exports."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import City, Organisation, User


class ComponentChange(models.Model):
    """A change of one record that somebody asked for and somebody else decides."""

    class Kind(models.TextChoices):
        CHANGE = "change", _("Change what is recorded")
        MOVE = "move", _("Move")
        RETIRE = "retire", _("Take out of use")
        REPLACE = "replace", _("Replace by a new component")
        MERGE = "merge", _("Merge: entered twice")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("request", "Waits for a decision")
        APPROVED = "approved", pgettext_lazy("request", "Approved")
        REFUSED = "refused", pgettext_lazy("request", "Refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("request", "Withdrawn")
        LAPSED = "lapsed", pgettext_lazy("request", "Lapsed: the record changed meanwhile")

    component = models.ForeignKey(
        "components.Component",
        models.PROTECT,
        related_name="change_requests",
        verbose_name=_("component"),
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    proposed = models.JSONField(_("proposed"), default=dict)
    reason = models.CharField(_("reason"), max_length=300)
    seen_event = models.BigIntegerField(
        help_text=_("the last entry of the record's history when this was asked; 0 for none")
    )
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.OPEN)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked at"))
    decided_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    answer = models.CharField(_("answer"), max_length=300, blank=True)
    successor = models.ForeignKey(
        "components.Component",
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("stands there now"),
    )

    class Meta:
        verbose_name = _("change of a component")
        verbose_name_plural = _("changes of components")
        permissions: ClassVar = [
            ("propose_changes", "May ask for changes of the register"),
            ("approve_changes", "May decide changes of the register"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["asked_at"], condition=Q(state="open"), name="component_change_queue"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["component"],
                condition=Q(state="open"),
                name="one_open_change_a_component",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True)
                | Q(~Q(state="open"), decided_at__isnull=False),
                name="component_change_is_decided_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component_id} {self.kind}"


class JobState(models.TextChoices):
    """How far a job is."""

    WAITING = "waiting", pgettext_lazy("job", "Waiting")
    RUNNING = "running", pgettext_lazy("job", "Running")
    DONE = "done", pgettext_lazy("job", "Done")
    FAILED = "failed", pgettext_lazy("job", "Failed")
    UNDONE = "undone", pgettext_lazy("job", "Undone")


class BodyRole(models.TextChoices):
    """In which of three ways an organisation answers for a component: the model's field."""

    MAINTAINER = "maintainer", _("Maintaining body")
    OWNER = "owner", _("Owner")
    COMPETENT_BODY = "competent_body", _("Competent body")


class BodyChange(models.Model):
    """One act by which all components of a filter got another body; another act may undo it."""

    city = models.ForeignKey(City, models.PROTECT, db_index=False)
    filter = models.JSONField(_("filter"))
    role = models.CharField(_("role"), max_length=14, choices=BodyRole.choices)
    body = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("new body"),
    )
    reason = models.CharField(_("reason"), max_length=300)
    count = models.PositiveIntegerField(_("components"))
    changed_count = models.PositiveIntegerField(_("changed"), default=0)
    fingerprint = models.CharField(
        max_length=32, blank=True, help_text=_("of the components and their bodies when asked")
    )
    state = models.CharField(
        _("state"), max_length=8, choices=JobState.choices, default=JobState.WAITING
    )
    failure = models.CharField(_("what went wrong"), max_length=300, blank=True)
    asked_by = models.ForeignKey(
        User, models.PROTECT, db_index=False, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    context = models.UUIDField(_("act in the history"), null=True)
    undoes = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="undone_by", verbose_name=_("undoes")
    )

    class Meta:
        verbose_name = _("bulk change of body")
        verbose_name_plural = _("bulk changes of body")
        permissions: ClassVar = [("change_bodies", "May change bodies in bulk")]

    def __str__(self) -> str:
        return f"{self.role} {self.body_id} ({self.count})"


class Export(models.Model):
    """A file with exactly the rows of a filter; only who asked for it gets it."""

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        EXCEL = "xlsx", "Excel"
        GEOJSON = "geojson", "GeoJSON"
        GEOPACKAGE = "gpkg", "GeoPackage"

    asked_by = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked at"), db_index=True)
    subject = models.CharField(
        _("of what"), max_length=20, default="components", db_default="components"
    )
    filter = models.JSONField(_("filter"))
    language = models.CharField(_("language"), max_length=10)
    format = models.CharField(_("format"), max_length=8, choices=Format.choices)
    state = models.CharField(
        _("state"), max_length=8, choices=JobState.choices, default=JobState.WAITING
    )
    expected_count = models.PositiveIntegerField(_("components, about"))
    row_count = models.PositiveIntegerField(_("components"), default=0)
    size_bytes = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    failure = models.CharField(_("what went wrong"), max_length=300, blank=True)
    beat_at = models.DateTimeField(_("last sign of the worker"), null=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)
    key = models.UUIDField(unique=True, help_text=_("the name of the file, not to be guessed"))

    class Meta:
        verbose_name = _("export of the register")
        verbose_name_plural = _("exports of the register")
        permissions: ClassVar = [("export_register", "May export the register")]

    def __str__(self) -> str:
        return f"{self.format} {timezone.localdate(self.asked_at):%Y-%m-%d}"
