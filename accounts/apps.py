"""Configuration of the app: who acts."""

from axes.apps import AppConfig as AxesConfig
from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "accounts"
    verbose_name = _("Organisations and users")
    default = True


class LogInsConfig(AxesConfig):
    """The guard of the log-in under a name that administrators know."""

    verbose_name = _("Log-ins")
