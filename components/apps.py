"""Configuration of the app: what."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ComponentsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "components"
    verbose_name = _("Components and catalogue")

    def ready(self) -> None:
        """Follow what the grid tells; say who makes which documents, and whose filters are kept."""
        from accounts.saved_filters import FilteredPage, filtered_page_add  # noqa: PLC0415
        from components import selectors, services  # noqa: PLC0415  models are ready now
        from components.atlas.book import make_atlas  # noqa: PLC0415
        from components.documents.services import MAKERS  # noqa: PLC0415
        from components.models import Document  # noqa: PLC0415
        from components.plates.printing import print_plates  # noqa: PLC0415
        from components.register import filters  # noqa: PLC0415
        from grid import publish  # noqa: PLC0415

        filtered_page_add(FilteredPage("ledger", "components:ledger", filters.rows_of_address))
        for signal, receiver in (
            (publish.cells_replaced, services.components_follow_cells),
            (publish.cells_renamed, services.components_follow_renamed),
            (publish.cells_asked, selectors.components_in_cells),
        ):
            signal.connect(receiver, dispatch_uid="components")
        MAKERS[Document.Kind.ATLAS] = make_atlas
        MAKERS[Document.Kind.PLATES] = print_plates
