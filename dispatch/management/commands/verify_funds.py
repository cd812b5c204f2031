"""Look whether the books of the funds are right: `manage.py verify_funds`."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from dispatch.funds.models import Account, JournalEntry
from dispatch.funds.selectors import books_verify


class Command(BaseCommand):
    help = "Compare every balance with its postings and every entry with zero; exit 1 if not."

    def handle(self, *args: Any, **options: Any) -> None:
        found = books_verify()
        for line in found:
            self.stdout.write(line)
        if found:
            sys.exit(1)
        accounts, entries = Account.objects.count(), JournalEntry.objects.count()
        self.stdout.write(f"{entries} entries and {accounts} accounts agree.")
