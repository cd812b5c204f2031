"""Configuration of the app: the case and the one door through which it changes."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CasesConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "cases"
    verbose_name = _("Cases")

    def ready(self) -> None:
        """Show cases on the register's pages, and answer what the grid asks."""
        from cases import exporting, filtered_pages  # noqa: PLC0415
        from cases.register_panel import register  # noqa: PLC0415  models are ready now
        from cases.selectors import cases_in_cells  # noqa: PLC0415
        from grid.publish import cells_asked  # noqa: PLC0415

        register()
        filtered_pages.register()
        exporting.register()
        cells_asked.connect(cases_in_cells, dispatch_uid="cases")
