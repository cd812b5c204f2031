"""What is stored of contractors without an account: who they are, their links, their answers."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organisation, User
from cases.models import Photo, SubOrder


class Contractor(models.Model):
    """A firm or crew that works for a department and has no log-in."""

    department = models.ForeignKey(
        Organisation, models.PROTECT, related_name="contractors", verbose_name=_("department")
    )
    name = models.CharField(_("name"), max_length=80)
    contact = models.CharField(_("contact"), max_length=40, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("contractor without an account")
        verbose_name_plural = _("contractors without an account")
        ordering = ["name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["department", "name"], name="contractor_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class ContractorLink(models.Model):
    """One address, good once, by which a contractor sees an order and answers it.

    Only a digest of its token is stored: who reads the database cannot open the page. Whether it
    still works follows from the order too, so that nothing has to close links when a case moves on.
    """

    class Outcome(models.TextChoices):
        REVOKED = "revoked", pgettext_lazy("link", "Revoked")
        EXPIRED = "expired", pgettext_lazy("link", "Expired")

    order = models.ForeignKey(SubOrder, models.PROTECT, related_name="links", db_index=False)
    contractor = models.ForeignKey(Contractor, models.PROTECT, related_name="links")
    token_digest = models.CharField(max_length=64, unique=True)
    task = models.TextField(_("what to do"))
    sent_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    sent_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, help_text=_("an answer up to then is in time"))
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True)

    class Meta:
        verbose_name = _("link to a contractor")
        verbose_name_plural = _("links to contractors")
        ordering = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(ended_at__isnull=True), name="one_open_link_an_order"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome="")
                | Q(Q(ended_at__isnull=False), ~Q(outcome="")),
                name="ended_link_has_an_outcome",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["order"], name="link_of_order")]


class LinkAnswer(models.Model):
    """What a contractor sent: done, or why it cannot be done. Rejected ones stay."""

    class Outcome(models.TextChoices):
        DONE = "done", pgettext_lazy("answer", "Done")
        CANNOT = "cannot", pgettext_lazy("answer", "Cannot be done")

    link = models.ForeignKey(ContractorLink, models.PROTECT, related_name="answers", db_index=False)
    key = models.CharField(max_length=64, help_text=_("of the form: sent twice, taken once"))
    outcome = models.CharField(max_length=6, choices=Outcome.choices)
    note = models.TextField()
    photos = models.ManyToManyField(Photo, related_name="+")
    answered_at = models.DateTimeField()
    rejected_at = models.DateTimeField(null=True)
    rejected_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )
    rejection = models.TextField(blank=True)

    class Meta:
        verbose_name = _("contractor's answer")
        verbose_name_plural = _("contractors' answers")
        ordering = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["link", "key"], name="answer_sent_once"),
            models.UniqueConstraint(
                fields=["link"],
                condition=Q(rejected_at__isnull=True),
                name="one_answer_that_stands",
            ),
        ]
