"""What is stored of plates: their codes, which are never reused, and every time one was printed."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from common.models import AppendOnlyModel
from components.plates.codes import CODE_LENGTH, code_in_groups


class Plate(models.Model):
    """A plate with a code that cannot be guessed; a component has at most one that is active."""

    class State(models.TextChoices):
        ACTIVE = "active", pgettext_lazy("plate", "Active")
        REVOKED = "revoked", pgettext_lazy("plate", "Revoked")

    class Reason(models.TextChoices):
        """Why a plate is good no longer."""

        LOST = "lost", pgettext_lazy("plate", "Lost or stolen")
        DAMAGED = "damaged", pgettext_lazy("plate", "Unreadable")
        MISPLACED = "misplaced", pgettext_lazy("plate", "Mounted on another component")
        MISPRINTED = "misprinted", pgettext_lazy("plate", "Misprinted")
        ENDED = "ended", pgettext_lazy("plate", "The component is no longer in use")

    code = models.CharField(
        _("code of the plate"), max_length=CODE_LENGTH, unique=True, db_collation="C"
    )
    component = models.ForeignKey(
        "components.Component", models.PROTECT, related_name="plates", verbose_name=_("component")
    )
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.ACTIVE)
    given_at = models.DateTimeField(_("given at"))
    given_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("given by"),
    )
    printed_at = models.DateTimeField(_("printed last"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("revoked by"),
    )
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    replaced_by = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replaces",
        verbose_name=_("replaced by"),
    )

    class Meta:
        verbose_name = _("plate")
        verbose_name_plural = _("plates")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["component"], condition=Q(state="active"), name="plate_one_active"
            ),
            models.CheckConstraint(
                condition=Q(state="active", revoked_at=None, reason="", replaced_by=None)
                | Q(~Q(reason=""), state="revoked", revoked_at__isnull=False),
                name="plate_revoked_for_a_reason",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="plate_stays", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="plate_keeps_its_code",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("code", "component"),
            ),
            pgtrigger.FSM(
                name="plate_revoked_for_good", field="state", transitions=[("active", "revoked")]
            ),
        ]

    def __str__(self) -> str:
        return code_in_groups(self.code)

    @property
    def is_active(self) -> bool:
        """Whether the plate is good."""
        return self.state == self.State.ACTIVE


class PlatePrint(AppendOnlyModel):
    """One plate on one document: a plate printed again stands on several."""

    plate = models.ForeignKey(Plate, models.PROTECT, related_name="prints", db_index=False)
    document = models.ForeignKey(
        "components.Document", models.PROTECT, related_name="+", db_index=False
    )
    at = models.DateTimeField(_("printed at"))
    by = models.ForeignKey(User, models.PROTECT, db_index=False, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plate", "document"], name="plate_once_a_document"),
        ]
