"""Configuration of the app: the numbered event log and who follows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LiveConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "live"
    verbose_name = _("Live events")

    def ready(self) -> None:
        """Let notifications follow the log; say on the health page when they do not get through.

        Wake whoever follows the log when something was written, and pass on hints about cases.
        """
        from cases.publish import case_hinted, events_written  # noqa: PLC0415
        from common.health import register_degradation  # noqa: PLC0415  models are ready now
        from common.metrics import register_metrics  # noqa: PLC0415
        from live.notifications.health import news_gets_through  # noqa: PLC0415
        from live.notifications.notify import READER  # noqa: PLC0415
        from live.publish import pass_on_hint, wake_followers  # noqa: PLC0415
        from live.readers import register_reader  # noqa: PLC0415
        from live.reports import live_metrics  # noqa: PLC0415

        register_reader(READER)
        register_degradation("notifications", news_gets_through)
        register_metrics(live_metrics)
        events_written.connect(wake_followers, dispatch_uid="live")
        case_hinted.connect(pass_on_hint, dispatch_uid="live")
