"""Configuration of the app: the ground every app stands on."""

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class CommonConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "common"
    verbose_name = _("Ground")

    def ready(self) -> None:
        """Let the admin show the names of fields in the reader's language.

        A field without a name of its own is called after its attribute; that name is a message too.
        Migrations do not see it.
        """
        for model in apps.get_models():
            for field in (*model._meta.fields, *model._meta.many_to_many):
                if getattr(field, "_verbose_name", None) is None:
                    field.verbose_name = _(str(field.verbose_name))
