"""API v1: each app brings its own addresses."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from accounts.api.auth import TokenView

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("auth/token/", TokenView.as_view()),
    path("", include("accounts.api.urls")),
    path("", include("grid.api.urls")),
    path("", include("components.api.urls")),
    path("", include("cases.api.urls")),
    path("", include("live.api.urls")),
]
