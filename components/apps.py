"""Configuration of the app: what."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ComponentsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "components"
    verbose_name = _("Components and catalogue")

    def ready(self) -> None:
        """Follow what the grid tells."""
        from components import selectors, services  # noqa: PLC0415  models are ready now
        from grid import publish  # noqa: PLC0415

        for signal, receiver in (
            (publish.cells_replaced, services.components_follow_cells),
            (publish.cells_renamed, services.components_follow_renamed),
            (publish.cells_asked, selectors.components_in_cells),
        ):
            signal.connect(receiver, dispatch_uid="components")
