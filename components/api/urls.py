"""Addresses of the catalogue and the register in API v1."""

from __future__ import annotations

from django.urls import path

from components.api import register, views

app_name = "components_api"
urlpatterns = [
    path("catalogue/types/", views.TypeListView.as_view()),
    path("components/nearest/", views.NearestComponentsView.as_view()),
    path("components/", register.ComponentListView.as_view()),
    path(
        "components/changes/<int:change_id>/<slug:decision>/",
        register.ComponentDecisionView.as_view(),
    ),
    path("components/<str:code>/", register.ComponentView.as_view()),
    path("components/<str:code>/changes/", register.ComponentChangesView.as_view()),
]
