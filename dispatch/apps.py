"""Configuration of the app: who must act."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DispatchConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "dispatch"
    verbose_name = _("Dispatch")

    def ready(self) -> None:
        """Answer the door when it asks who handles a case; follow it with the money."""
        from cases.publish import case_acted, department_asked  # noqa: PLC0415  models are ready
        from dispatch import desk_filters  # noqa: PLC0415
        from dispatch.funds.panel import register  # noqa: PLC0415
        from dispatch.funds.services.works import case_followed  # noqa: PLC0415
        from dispatch.routing import bulk  # noqa: PLC0415
        from dispatch.selectors import routing_of_case  # noqa: PLC0415

        department_asked.connect(routing_of_case, dispatch_uid="dispatch")
        case_acted.connect(case_followed, dispatch_uid="dispatch.funds")
        register()
        bulk.register()
        desk_filters.register()
