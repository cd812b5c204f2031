"""Give a city the defaults of evaluation: `manage.py load_evaluation`."""

from typing import Any

from django.core.management.base import BaseCommand

from evaluation.loading import load_evaluation


class Command(BaseCommand):
    help = "Load settings and scorecards of evaluation where there are none yet."

    def handle(self, *args: Any, **options: Any) -> None:
        load_evaluation()
