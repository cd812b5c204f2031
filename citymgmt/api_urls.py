"""API v1: each app brings its own addresses."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.cache import cache_page
from drf_spectacular.views import SpectacularAPIView

from accounts.api.auth import TokenView

A_MINUTE = 60

urlpatterns: list[URLPattern | URLResolver] = [
    # The same for everybody, anonymous or not, and made anew it costs as much as a hundred rows.
    path("schema/", cache_page(A_MINUTE)(SpectacularAPIView.as_view()), name="schema"),
    path("auth/token/", TokenView.as_view()),
    path("", include("accounts.api.urls")),
    path("", include("grid.api.urls")),
    path("", include("components.api.urls")),
    path("", include("cases.api.urls")),
    path("", include("live.api.urls")),
]
