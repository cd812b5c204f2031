"""Load the demo city and print who may log in: `manage.py load_demo`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import ROLES
from common.errors import DomainError
from desks.demo.loading import load_demo
from desks.demo.organisations import named_logins


class Command(BaseCommand):
    help = "Create the demo city with its people and cases (once), and print the log-ins."

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(settings.LANGUAGE_CODE):
            try:
                load_demo()
            except DomainError as refused:
                raise CommandError(str(refused.message)) from refused
            self._print_logins()

    def _print_logins(self) -> None:
        logins = named_logins()
        people = {
            row.username: row for row in User.objects.with_roles().filter(username__in=logins)
        }
        self.stdout.write(f"Log-ins (password {settings.DEMO_PASSWORD}):")
        for person in (people[login] for login in logins if login in people):
            labels = ", ".join(str(ROLES[role].label) for role in sorted(person.roles))
            body = person.organisation.name if person.organisation else ""
            self.stdout.write(f"  {person.username:22}{person.display_name}  {labels}  {body}")
        self.stdout.write(str(_("The wall: /wall/, as supervisor1, leader1 or admin")))
