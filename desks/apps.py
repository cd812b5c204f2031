"""Configuration of the app: the pages that show several apps together."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DesksConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "desks"
    verbose_name = _("Desks")

    def ready(self) -> None:
        """Put the wall on the air, and let its screens in."""
        from desks.wall.broadcast import BROADCAST, NAME, recognise  # noqa: PLC0415
        from live.broadcasts import register_broadcast, register_guests  # noqa: PLC0415

        register_broadcast(BROADCAST)
        register_guests(NAME, recognise)
