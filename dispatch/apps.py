"""Configuration of the app: who must act."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DispatchConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "dispatch"
    verbose_name = _("Dispatch")

    def ready(self) -> None:
        """Answer the door when it asks who should handle a case."""
        from cases.publish import department_asked  # noqa: PLC0415  models are ready now
        from dispatch.selectors import routing_of_case  # noqa: PLC0415

        department_asked.connect(routing_of_case, dispatch_uid="dispatch")
