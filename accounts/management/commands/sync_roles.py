"""Make the groups and permissions what accounts/roles.py says: `manage.py sync_roles`.

Run after every migrate of an installation that is no demo; `load_demo` does it by itself.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import roles_sync


class Command(BaseCommand):
    help = "Make one group for every role, with exactly the permissions of its definition."

    def handle(self, *args: Any, **options: Any) -> None:
        roles_sync()
