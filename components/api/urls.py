"""Addresses of the catalogue and the register in API v1."""

from __future__ import annotations

from django.urls import path

from components.api import views

urlpatterns = [
    path("catalogue/types/", views.TypeListView.as_view()),
    path("components/nearest/", views.NearestComponentsView.as_view()),
    path("components/<str:code>/", views.ComponentView.as_view()),
]
