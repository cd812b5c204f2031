"""Configuration of the app: how well."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EvaluationConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "evaluation"
    verbose_name = _("Evaluation")

    def ready(self) -> None:
        """Let facts follow the log from its start."""
        from evaluation.services.facts import READER  # noqa: PLC0415  models are ready now
        from live.readers import register_reader  # noqa: PLC0415

        register_reader(READER)
