"""Configuration of other people's apps that needs more than a setting."""

from django.contrib.staticfiles.apps import StaticFilesConfig as BaseStaticFilesConfig


class StaticFilesConfig(BaseStaticFilesConfig):
    """Leave out extensions of htmx that no page loads: their imports point to files not shipped."""

    ignore_patterns = [*BaseStaticFilesConfig.ignore_patterns, "django_htmx/ext/*"]
