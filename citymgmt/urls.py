"""Every address of the installation."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from accounts.views.login import language
from common import health, metrics

handler500 = "common.refusals.fault"

urlpatterns: list[URLPattern | URLResolver] = [
    path("-/live", health.live, name="live"),
    path("-/ready", health.ready, name="ready"),
    path("-/metrics", metrics.metrics, name="metrics"),
    path("i18n/setlang/", language, name="set_language"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("citymgmt.api_urls")),
    path("", include("accounts.urls")),
    path("", include("grid.urls")),
    path("components/census/", include("components.census.urls")),
    path("components/plates/", include("components.plates.urls")),
    path("components/atlas/", include("components.atlas.urls")),
    path("components/documents/", include("components.documents.urls")),
    path("", include("components.register.urls")),
    path("supervision/", include("cases.exceptions.urls")),
    path("bulk/", include("cases.bulk.urls")),
    path("", include("cases.urls")),
    path("funds/squads/", include("dispatch.squads.urls")),
    path("funds/", include("dispatch.funds.urls")),
    path("", include("dispatch.urls")),
    path("notifications/", include("live.notifications.urls")),
    path("", include("live.urls")),
    path("", include("dispatch.links.urls")),
    path("evaluation/", include("evaluation.urls")),
    path("", include("desks.urls")),
]
