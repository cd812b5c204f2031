"""A draft of rules tried on real cases and published, by an administrator on their pages.

What routing answers is asked case by case before and after, apart from the dry run.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from time import monotonic
from typing import Any

from django.db.models import Min, Q
from django.test import Client
from django.urls import reverse

from accounts.models import User
from cases.models import Case
from dispatch.models import RoutingRule
from dispatch.routing.dry_run import SIZES, Answer, DryRun
from dispatch.selectors import suggest_department

ADMIN = "admin:dispatch_routingrule_"
GIVEN_OUT = Q(events__action__in=("dispatch", "dispatch_urgent"))


class Administrator:
    """Edits the draft, tries it on all cases and publishes it."""

    def __init__(self, user: User, now: datetime) -> None:
        self.city, self.now = user.city, now
        self.client = Client(headers={"accept-language": "en"})
        self.client.force_login(user, backend="accounts.backends.PersonBackend")

    def add(self, **fields: Any) -> None:
        """Put a rule before all others."""
        first = RoutingRule.objects.earliest("position").position - 1
        sent = {"position": first, "is_enabled": "on", "name": fields["code"], **fields}
        sent |= {"cooperation-TOTAL_FORMS": 0, "cooperation-INITIAL_FORMS": 0}
        self.client.post(reverse(f"{ADMIN}add"), sent)
        assert RoutingRule.objects.filter(code=fields["code"]).exists()

    def switch_off(self, code: str) -> None:
        """Take a rule out of the draft, where all of it is listed."""
        rows = list(RoutingRule.objects.filter(city=self.city))
        sent = {"form-TOTAL_FORMS": len(rows), "form-INITIAL_FORMS": len(rows), "_save": "Save"}
        for number, row in enumerate(rows):
            sent |= {f"form-{number}-id": row.pk, f"form-{number}-position": row.position}
            if row.is_enabled and row.code != code:
                sent[f"form-{number}-is_enabled"] = "on"
        self.client.post(reverse(f"{ADMIN}changelist"), sent)
        assert not RoutingRule.objects.get(code=code).is_enabled

    def publish_as_tried(self) -> tuple[DryRun, float]:
        """Publish the draft after a dry run: routing then answers anew exactly what that showed.

        Returns the dry run and how many seconds its page took.
        """
        before = self.answers()
        size = next(size for size in SIZES if size >= len(before))
        began = monotonic()
        page = self.client.get(reverse(f"{ADMIN}review"), {"cases": size})
        seconds = monotonic() - began
        run, seen = page.context["run"], page.context["review"]
        assert self.answers() == before  # trying changes nothing
        sent = {"digest": seen.digest, "number": seen.number}
        told = self.client.post(reverse(f"{ADMIN}publish"), sent, follow=True).text
        assert f"Version {seen.number + 1} holds from now on." in told
        after = self.answers()
        assert run.asked == len(before) == len(after)
        assert {row.case.pk: (row.before, row.after) for row in run.changes} == {
            pk: (before[pk], after[pk])
            for pk in before
            if before[pk].organisation != after[pk].organisation
        }
        for used, said in ((run.used_before, before), (run.used, after)):
            assert used == Counter(answer.rule for answer in said.values())
        return run, seconds

    def answers(self) -> dict[int, Answer]:
        """Ask routing about every case with a type at the hour it was first given out, else now."""
        rows = Case.objects.filter(city=self.city, type__isnull=False).select_related("type")
        rows = rows.annotate(given_out_at=Min("events__at", filter=GIVEN_OUT))
        return {
            case.pk: Answer.of(suggest_department(case, case.given_out_at or self.now).decision)
            for case in rows.iterator()
        }
